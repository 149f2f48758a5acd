"""The sandbox of a scenario: a separate root, the runs of guards in it, and their results."""
import itertools
import os
import random
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from subprocess import DEVNULL

import processes

VIOLATION = 99  # The exit code of an oracle that found one. Its log has a line about it too.
SLOTS = 3
WEDGE_SECONDS = 20  # No entry for this long, while a process waits, counts as a wedge.


@dataclass
class Settings:
    """The settings that all scenarios share."""

    folder: object
    binary: object
    seconds: float
    workers: int
    seed: str
    clock: object  # conditions.Clock, or a text that says why it cannot work
    namespace: object  # words, or a text that says why there are none
    abort: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class Run:
    """One guard or lease command, from its start to its end."""

    number: int
    pid: int
    expected: set
    condition: str
    ttl: float = 0
    faults: set = field(default_factory=set)
    process: object = None
    code: object = None


# The first process of a namespace. When it ends, all other processes in the namespace end. If the guard was killed,
# it stays as long as an orphaned command does.
INIT = '"$@"; code=$?; [ $code != 137 ] || sleep 0.3; exit $code'

# Conditions that start a guard below a shell:
# group: in a background process group, which a shell makes for it by job control. The shell then turns job control
#     off, or its wait would return when the guard is stopped.
# session: in a separate session; the shell that waits for it is in another one.
# limit: with files of at most 16 KiB, for which the audit log is soon too long. The oracle lifts the limit for itself.
BELOW_SHELL = {
    "group": ["bash", "-c", 'set -m; "$@" & set +m; wait $!', "bash"],
    "session": ["sh", "-c", 'setsid "$@" & wait $!', "sh"],
    "limit": ["sh", "-c", 'ulimit -S -f 32; exec "$@"', "sh"],
}

# The exit codes that a fault explains: the guard was killed, or its command was. The first process of a namespace
# passes the exit code of the guard on.
EXPLAINED = {"kill": {-9, 137}, "term": {-15, 143}}


class Sandbox:
    """The root of one scenario. Counts events, and collects problems."""

    def __init__(self, name, settings):
        self.name = name
        self.settings = settings
        self.folder = settings.folder / name
        self.root = self.folder / "lokt"
        for folder in ("oracle", "errors"):
            (self.folder / folder).mkdir(parents=True)
        self.counts = Counter()  # by name of the event
        self.kills = Counter()
        self.stops = Counter()
        self.codes = Counter()
        self.conditions = Counter()
        self.entries = []  # from the oracle's log
        self.exits = {}  # the size of the audit log at the end of each entry that was not killed
        self.max_concurrency = 0
        self.problems = []
        self.live = {}
        self.finished = {}
        self.numbers = itertools.count(1)
        self.ended = threading.Event()
        self.progress = time.monotonic()
        self.log_read = 0
        self.reading = threading.Lock()
        self.lock = threading.Lock()

    # Starting processes

    def environment(self, owner=None):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("LOKT_")}
        environment["LOKT_ROOT"] = str(self.root)
        if owner:
            environment["LOKT_OWNER"] = owner
        return environment

    def guarded_command(self, run, mode, names, milliseconds, *extra):
        """Returns the words of the guarded command."""
        fixed = [self.folder, run, mode, ",".join(names), milliseconds]
        return [*processes.COMMAND, *map(str, fixed), *extra]

    def wrap(self, condition, words):
        """Returns the words that run a lokt command under a condition."""
        settings = self.settings
        if condition == "clock":
            return settings.clock.wrap(words)
        plain = [str(settings.binary), *words]
        if condition == "namespace":
            return [*settings.namespace, *plain]
        if condition in BELOW_SHELL:
            return [*BELOW_SHELL[condition], *plain]
        if condition == "init":
            return [*settings.namespace, "sh", "-c", INIT, "sh", *plain]
        return plain

    def choose_condition(self, choose, allowed=("clock", "namespace", "init", "group", "session")):
        """Chooses the condition of a run: mostly a plain one."""
        possible = {**BELOW_SHELL, "clock": self.settings.clock, "namespace": self.settings.namespace}
        possible["init"] = possible["namespace"]
        usable = [each for each in allowed if not isinstance(possible[each], str)]
        return choose.choice(usable) if usable and choose.random() < 0.3 else "plain"

    def start(self, words, expected, number, condition="plain", owner=None, ttl=0, **options):
        """Starts a run in a separate session."""
        with open(self.folder / "errors" / str(number), "wb") as errors:
            process = subprocess.Popen(
                words,
                env=self.environment(owner),
                start_new_session=True,
                stderr=errors,
                **{"stdin": DEVNULL, "stdout": DEVNULL, **options},
            )
        run = Run(number, process.pid, set(expected), condition, ttl, process=process)
        self.live[number] = run
        return run

    def finish(self, run):
        """Waits for the end of a run, and checks its exit code."""
        run.code = run.process.wait()
        run.process = None
        self.live.pop(run.number, None)
        self.finished[run.number] = run
        explained = set().union(*(EXPLAINED.get(fault, set()) for fault in run.faults))
        errors = self.folder / "errors" / str(run.number)
        with self.lock:
            self.codes[run.code] += 1
            self.conditions[run.condition] += 1
        message = errors.read_text(errors="replace").strip()
        if run.condition == "limit" and "error: " in message:
            # A guard that cannot log a change does not make it.
            explained = {*explained, 1}
        if "kill" in run.faults and message.endswith("unshare: sigprocmask unblock failed: Invalid argument"):
            # Some versions of unshare(1) fail when SIGKILL ended their child and they try to end the same way.
            explained = {*explained, 1}
        if run.code not in run.expected | explained | {VIOLATION}:
            self.problem(
                "exit code",
                f"{run.code}, expected {sorted(run.expected)}, run {run.number} "
                f"({run.condition}, faults {sorted(run.faults)}): {message}",
            )
        errors.unlink()
        return run.code

    def lokt(self, *words, owner=None, timeout=30):
        """Runs a lokt command that no fault hits."""
        words = [str(self.settings.binary), *words]
        return subprocess.run(
            words,
            env=self.environment(owner),
            stdin=DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    # Events and problems

    def problem(self, kind, text):
        with self.lock:
            self.problems.append((kind, text))

    def read_log(self):
        """Reads the new lines of the oracle's log."""
        with self.reading:
            try:
                with open(self.folder / "oracle.log", "rb") as file:
                    file.seek(self.log_read)
                    text = file.read()
            except FileNotFoundError:
                return
            whole = text[: text.rfind(b"\n") + 1]
            self.log_read += len(whole)
            for line in whole.decode().splitlines():
                self.note(line)

    def note(self, line):
        kind, _, rest = line.partition(" ")
        self.progress = time.monotonic()
        if kind == "V":
            self.problem("violation", rest)
        elif kind in "OH":
            self.counts[kind] += 1
        elif kind == "L":
            run, names, size = rest.split()
            self.exits[int(run), names] = int(size)
        else:
            run, mode, names, ids, fences, concurrency, size = rest.split()
            entry = Entry(int(run), mode, names.split(","), ids.split(","), fences.split(","), int(size))
            self.entries.append(entry)
            self.max_concurrency = max(self.max_concurrency, int(concurrency))

    def of_kind(self, kind):
        return sum(found == kind for found, _ in self.problems)


@dataclass
class Entry:
    """One entry, from the oracle's log."""

    run: int
    mode: str
    names: list
    ids: list
    fences: list
    log_size: int


def flags_of(mode):
    """Returns the flags for a mode: exclusive, shared, or a number of slots."""
    return {"exclusive": [], "shared": ["--shared"]}.get(mode, ["--slots", mode])


def chooser(settings, *names):
    """Returns a generator of random choices that the seed determines. The scheduler's choices stay random."""
    return random.Random("/".join([settings.seed, *map(str, names)]))
