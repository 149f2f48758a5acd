"""Special conditions for some of the processes: a clock that changes, and a separate pid namespace."""
import json
import os
import random
import shutil
import subprocess
import threading
import time
from pathlib import Path
from subprocess import DEVNULL, PIPE

HOUR = 3600
# Differences from the true time. A process sees its clock jump between them while it runs.
OFFSETS = (-24 * HOUR, -HOUR, -1, 0, 1, HOUR, 24 * HOUR)


class Clock:
    """A clock that is set forward and back all the time, for the processes that run with it.

    The library of faketime(1) reads the offset from a file whenever a process reads the clock. Time spans stay
    true (CLOCK_MONOTONIC), as they do when a real clock is set. The library has a semaphore, which a process
    locks when it starts and whenever it reads the clock, and which it shares with the children that have the
    library. If the process is killed while it holds the semaphore, they never start, and that would look like a
    wedge of lokt. So the loader loads the library, not the environment: children do not inherit it, every
    process has a separate semaphore, and the guarded command and the oracle have the true time. A killed process
    leaves its semaphore behind; close() removes those.
    """

    def __init__(self, folder, dynamic, seed):
        self.file = folder / "clock"
        self.dynamic = dynamic
        self.random = random.Random(f"{seed}/clock")
        self.ended = threading.Event()
        self.words = []
        self.set(0)

    def start(self):
        words = ["faketime", "-f", "+0s", "printenv", "LD_PRELOAD"]
        library = subprocess.run(words, stdout=PIPE, text=True, check=True).stdout.strip()
        settings = {
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        variables = [f"{key}={value}" for key, value in settings.items()]
        self.words = ["env", *variables, loader(), "--preload", library, str(self.dynamic)]

    def set(self, seconds):
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}")
        draft.rename(self.file)

    def works(self, folder):
        """Checks that a lease locked with this clock has a time in another hour."""
        self.set(HOUR)
        words = ["env", f"LOKT_ROOT={folder}/probe", *self.wrap(["lock", "probe", "--ttl=1s", "--json"])]
        done = subprocess.run(words, stdout=PIPE, stderr=DEVNULL, check=False)
        shutil.rmtree(folder / "probe", ignore_errors=True)
        locked_at = json.loads(done.stdout)["acquired_ts"] if done.returncode == 0 else ""
        return locked_at[:13] == time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + HOUR))

    def run(self):
        """Changes the clock until it is closed."""
        while not self.ended.wait(self.random.uniform(0.02, 0.3)):
            self.set(self.random.choice(OFFSETS))

    def wrap(self, words):
        return [*self.words, *words]

    def close(self):
        self.ended.set()
        for left in Path("/dev/shm").glob("*faketime_s*_*"):
            if left.stat().st_uid == os.geteuid() and not Path("/proc", left.name.split("_")[-1]).exists():
                left.unlink(missing_ok=True)


def loader():
    """Returns the path of the dynamic loader, found in the memory map of this process."""
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    return next((path for path in mapped if os.path.basename(path).startswith("ld-")), None)


def clock(folder, dynamic, seed):
    """Returns a clock that changes, or a text that says why it cannot work."""
    if not shutil.which("faketime"):
        return "faketime is not installed"
    if isinstance(dynamic, str):
        return dynamic
    if not loader():
        return "the dynamic loader was not found"
    found = Clock(folder, dynamic, seed)
    found.start()
    if found.works(folder):
        threading.Thread(target=found.run, daemon=True).start()
        return found
    found.close()
    return f"{dynamic} does not see the clock of faketime (statically linked?)"


def dynamic_binary(repository):
    """Returns an up-to-date debug build, which can load a library, or a text that says why it is missing."""
    if shutil.which("cargo"):
        words = ["cargo", "build", "--quiet", "--locked", "-p", "lokt-cli", "--bin", "lokt"]
        done = subprocess.run(words, cwd=repository, stderr=PIPE, text=True, check=False)
        if done.returncode != 0:
            return "no dynamic binary could be built: " + done.stderr.strip().splitlines()[0]
    target = Path(os.environ.get("CARGO_TARGET_DIR", repository / "target"))
    built = repository / target / "debug" / "lokt"
    return built if built.exists() else "no dynamic binary: give one with --dynamic"


def namespaces():
    """Returns the words that run a program in a separate pid namespace, or a text that says why there are none."""
    if not shutil.which("unshare"):
        return "unshare is not installed"
    words = ["unshare", "--pid", "--fork", "--mount-proc"]
    if os.geteuid() != 0:
        words += ["--user", "--map-root-user"]
    done = subprocess.run([*words, "true"], stderr=PIPE, text=True, check=False)
    if done.returncode == 0:
        return [*words, "--"]
    return "the kernel refuses pid namespaces: " + done.stderr.strip()
