"""Where a scenario takes place: a root of its own, the runs of guards in it, and what came of them."""
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

VIOLATION = 99  # The exit code of an oracle that found one. It has said so in its log, too.
SLOTS = 3
WEDGE_SECONDS = 20  # Without an entry for so long, while somebody waits, nobody will ever get in.


@dataclass
class Settings:
    """What is the same for all scenarios."""

    folder: object
    binary: object
    seconds: float
    workers: int
    seed: str
    clock: object  # hardship.Clock, or why there is none
    namespace: object  # words, or why there are none
    abort: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class Run:
    """One guard or lease command, from its start to its end."""

    number: int
    pid: int
    expected: set
    way: str
    ttl: float = 0
    faults: set = field(default_factory=set)
    process: object = None
    code: object = None


# The first process of a namespace, whose end is the end of all others. When the guard was killed, it stays for
# as long as an orphaned command does.
INIT = '"$@"; code=$?; [ $code != 137 ] || sleep 0.3; exit $code'

# The exit codes that a fault explains: the guard was killed; its command was; so was the init of its
# namespace, which passes on what became of the guard.
EXPLAINED = {"kill": {-9, 137}, "term": {-15, 143}}


class Ground:
    """The root of one scenario. Counts what happens, and remembers what must not happen."""

    def __init__(self, name, settings):
        self.name = name
        self.settings = settings
        self.folder = settings.folder / name
        self.root = self.folder / "lokt"
        for folder in ("oracle", "errors"):
            (self.folder / folder).mkdir(parents=True)
        self.counts = Counter()  # by what is counted
        self.kills = Counter()
        self.stops = Counter()
        self.codes = Counter()
        self.ways = Counter()
        self.entries = []  # as the oracle told of them
        self.left = {}  # how long the audit log was when an entry ended that was not killed
        self.most = 0
        self.problems = []
        self.live = {}
        self.finished = {}
        self.numbers = itertools.count(1)
        self.ended = threading.Event()
        self.progress = time.monotonic()
        self.log_read = 0
        self.reading = threading.Lock()
        self.lock = threading.Lock()

    # What is started

    def environment(self, owner=None):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("LOKT_")}
        environment["LOKT_ROOT"] = str(self.root)
        if owner:
            environment["LOKT_OWNER"] = owner
        return environment

    def inside(self, run, mode, names, milliseconds, *extra):
        """The guarded command, as words."""
        fixed = [self.folder, run, mode, ",".join(names), milliseconds]
        return [*processes.COMMAND, *map(str, fixed), *extra]

    def dress(self, way, words):
        """The words of a lokt command, so that it has the hardship of its way."""
        settings = self.settings
        if way == "clock":
            return settings.clock.dress(words)
        plain = [str(settings.binary), *words]
        if way == "namespace":
            return [*settings.namespace, *plain]
        if way == "init":
            return [*settings.namespace, "sh", "-c", INIT, "sh", *plain]
        return plain

    def some_way(self, choose, allowed=("clock", "namespace", "init")):
        """Which hardship a run is to have: mostly none."""
        possible = {"clock": self.settings.clock, "namespace": self.settings.namespace}
        possible["init"] = possible["namespace"]
        ways = [way for way in allowed if not isinstance(possible[way], str)]
        return choose.choice(ways) if ways and choose.random() < 0.3 else "plain"

    def start(self, words, expected, number, way="plain", owner=None, ttl=0, **options):
        """Starts a run in a session of its own."""
        with open(self.folder / "errors" / str(number), "wb") as errors:
            process = subprocess.Popen(
                words,
                env=self.environment(owner),
                start_new_session=True,
                stderr=errors,
                **{"stdin": DEVNULL, "stdout": DEVNULL, **options},
            )
        run = Run(number, process.pid, set(expected), way, ttl, process=process)
        self.live[number] = run
        return run

    def finish(self, run):
        """Waits for the end of a run, and judges its exit code."""
        run.code = run.process.wait()
        run.process = None
        self.live.pop(run.number, None)
        self.finished[run.number] = run
        explained = set().union(*(EXPLAINED.get(fault, set()) for fault in run.faults))
        errors = self.folder / "errors" / str(run.number)
        with self.lock:
            self.codes[run.code] += 1
            self.ways[run.way] += 1
        said = errors.read_text(errors="replace").strip()
        if "kill" in run.faults and said.endswith("unshare: sigprocmask unblock failed: Invalid argument"):
            # Versions of unshare(1) fail where they want to end like their child, which SIGKILL has ended.
            explained = {*explained, 1}
        if run.code not in run.expected | explained | {VIOLATION}:
            self.problem(
                "exit code",
                f"{run.code}, expected {sorted(run.expected)}, run {run.number} "
                f"({run.way}, faults {sorted(run.faults)}): {said}",
            )
        errors.unlink()
        return run.code

    def lokt(self, *words, owner=None, patience=30):
        """A lokt command that nobody disturbs."""
        words = [str(self.settings.binary), *words]
        return subprocess.run(
            words,
            env=self.environment(owner),
            stdin=DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )

    # What happened

    def problem(self, kind, text):
        with self.lock:
            self.problems.append((kind, text))

    def read_log(self):
        """Reads what the oracle has said since the last time."""
        with self.reading:
            try:
                with open(self.folder / "inside.log", "rb") as file:
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
            self.left[int(run), names] = int(size)
        else:
            run, mode, names, ids, fences, company, size = rest.split()
            entry = Entry(int(run), mode, names.split(","), ids.split(","), fences.split(","), int(size))
            self.entries.append(entry)
            self.most = max(self.most, int(company))

    def of_kind(self, kind):
        return sum(found == kind for found, _ in self.problems)


@dataclass
class Entry:
    """What the oracle told of one entry."""

    run: int
    mode: str
    names: list
    ids: list
    fences: list
    log_size: int


def flags_of(mode):
    """The flags that ask for a mode: exclusive, shared, or a number of slots."""
    return {"exclusive": [], "shared": ["--shared"]}.get(mode, ["--slots", mode])


def chooser(settings, *names):
    """Random choices that the seed determines; what the scheduler makes of them it does not."""
    return random.Random("/".join([settings.seed, *map(str, names)]))
