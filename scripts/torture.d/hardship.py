"""What some of the processes have to bear: a clock that is set, and a pid namespace of their own."""
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
# Away from the true time by this much; a process sees the clock jump between these during its life.
OFFSETS = (-24 * HOUR, -HOUR, -1, 0, 1, HOUR, 24 * HOUR)


class Clock:
    """A clock that is set forward and back all the time, for those processes that are given it.

    faketime(1) lends its library, which reads the offset from a file at every look at the clock. Time
    spans stay true (CLOCK_MONOTONIC), as they do where a real clock is set. The library has a semaphore,
    which a process takes as it starts and at every look, and which the children that have the library share
    with it: where the process is killed with it, they never start, and that looks like a wedge of ours. So it
    is the loader that is told to load it, not the environment: nobody inherits it, every process has a
    semaphore of its own, and the guarded command and the oracle have the true time. Who is killed leaves its
    semaphore behind; those are removed in the end.
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
        """Whether a lease that is taken at this clock is from another hour."""
        self.set(HOUR)
        words = ["env", f"LOKT_ROOT={folder}/probe", *self.dress(["lock", "probe", "--ttl=1s", "--json"])]
        done = subprocess.run(words, stdout=PIPE, stderr=DEVNULL, check=False)
        shutil.rmtree(folder / "probe", ignore_errors=True)
        taken = json.loads(done.stdout)["acquired_ts"] if done.returncode == 0 else ""
        return taken[:13] == time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + HOUR))

    def run(self):
        """Sets the clock until the end."""
        while not self.ended.wait(self.random.uniform(0.02, 0.3)):
            self.set(self.random.choice(OFFSETS))

    def dress(self, words):
        return [*self.words, *words]

    def close(self):
        self.ended.set()
        for left in Path("/dev/shm").glob("*faketime_s*_*"):
            if left.stat().st_uid == os.geteuid() and not Path("/proc", left.name.split("_")[-1]).exists():
                left.unlink(missing_ok=True)


def loader():
    """The loader of dynamically linked programs, which has loaded this one, too."""
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    return next((path for path in mapped if os.path.basename(path).startswith("ld-")), None)


def clock(folder, dynamic, seed):
    """A clock to be set, or why there is none."""
    if not shutil.which("faketime"):
        return "faketime is not installed"
    if isinstance(dynamic, str):
        return dynamic
    if not loader():
        return "no loader of dynamically linked programs is known here"
    found = Clock(folder, dynamic, seed)
    found.start()
    if found.works(folder):
        threading.Thread(target=found.run, daemon=True).start()
        return found
    found.close()
    return f"{dynamic} does not see the clock of faketime (statically linked?)"


def dynamic_binary(repository):
    """A binary that a library can be loaded into: a debug build, brought up to date; or why there is none."""
    if shutil.which("cargo"):
        words = ["cargo", "build", "--quiet", "--locked", "-p", "lokt-cli", "--bin", "lokt"]
        done = subprocess.run(words, cwd=repository, stderr=PIPE, text=True, check=False)
        if done.returncode != 0:
            return "no dynamic binary could be built: " + done.stderr.strip().splitlines()[0]
    target = Path(os.environ.get("CARGO_TARGET_DIR", repository / "target"))
    built = repository / target / "debug" / "lokt"
    return built if built.exists() else "no dynamic binary: give one with --dynamic"


def namespaces():
    """The words that run a program in a pid namespace of its own, or why there are none."""
    if not shutil.which("unshare"):
        return "unshare is not installed"
    words = ["unshare", "--pid", "--fork", "--mount-proc"]
    if os.geteuid() != 0:
        words += ["--user", "--map-root-user"]
    done = subprocess.run([*words, "true"], stderr=PIPE, text=True, check=False)
    if done.returncode == 0:
        return [*words, "--"]
    return "the kernel refuses pid namespaces: " + done.stderr.strip()
