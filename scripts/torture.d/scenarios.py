"""The scenarios: which locks the workers ask for, and how. All scenarios run at the same time."""
import json
import threading
from dataclasses import dataclass

from faults import KILLS, STOPS, Faults
from queue_state import Holder, new_tickets, tickets, wait_for
from sandbox import SLOTS, Sandbox, chooser, flags_of

AT_ONCE = 0.3  # seconds
LONG_TIMEOUT = "5m"  # A waiter does not give up before the watchdog reports a wedge.


@dataclass
class Request:
    """The locks that one guard asks for."""

    names: list
    mode: str = "exclusive"  # or shared, or a number of slots
    inner: str = ""  # the name of a guard inside
    owner: str = ""
    expected: tuple = (0,)


class Scenario:
    """Workers that run guards, one after the other, while faults hit them."""

    name = ""
    names = ["x"]
    min_concurrency = 1  # This many must have been inside at the same time, or the run has proved nothing.
    shared_mode = ""  # The mode in which that many are inside.
    worker_factor = 1  # Multiplies the number of workers.
    conditions = ("clock", "namespace", "init", "group", "session")
    kills = tuple(KILLS)
    stops = tuple(STOPS)

    def __init__(self, settings):
        self.sandbox = Sandbox(self.name, settings)
        self.faults = Faults(self.sandbox, self.kills, self.stops)
        self.threads = []

    def start(self):
        for worker in range(self.sandbox.settings.workers * self.worker_factor):
            self.spawn(self.work, worker)
        self.spawn(self.observe)
        self.faults.start()

    def spawn(self, work, *arguments):
        thread = threading.Thread(target=self.safely, args=(work, *arguments), daemon=True)
        thread.start()
        self.threads.append(thread)

    def safely(self, work, *arguments):
        """Runs a worker, and reports its failure as a problem."""
        try:
            work(*arguments)
        except Exception as error:  # any failure is a problem to report
            self.sandbox.problem("torture", f"{work.__name__} {arguments}: {error!r}")

    def work(self, worker):
        choose = chooser(self.sandbox.settings, self.name, worker)
        while not self.sandbox.ended.is_set():
            self.step(choose, worker)

    def step(self, choose, _worker):
        self.guard(choose, self.request(choose))

    def request(self, _choose):
        return Request(self.names)

    def guard(self, choose, request):
        """Runs one guard, from its start to its end."""
        sandbox = self.sandbox
        number = next(sandbox.numbers)
        condition = sandbox.choose_condition(choose, self.conditions)
        flags, ttl, expected = self.options(choose, request.mode)
        command = self.command_for(choose, number, request)
        words = sandbox.wrap(condition, ["guard", *flags, *request.names, "--", *command])
        expected = expected | set(request.expected)
        run = sandbox.start(words, expected, number, condition, owner=request.owner, ttl=ttl)
        return sandbox.finish(run)

    def options(self, choose, mode):
        """Chooses the flags of a guard, its --ttl in seconds, and its exit codes if it is refused."""
        flags = flags_of(mode)
        ttl = choose.choice([0, 0, 0.2, 0.5, 5])
        if ttl:
            flags = [*flags, "--ttl", f"{ttl * 1000:.0f}ms"]
        timeout = choose.choices([LONG_TIMEOUT, "40ms", None], [8, 1, 1])[0]
        if timeout:
            flags = [*flags, "--wait", "--timeout", timeout]
        return flags, ttl, set() if timeout == LONG_TIMEOUT else {2}

    def command_for(self, choose, number, request):
        """Returns the words of the guarded command."""
        milliseconds = self.hold_time(choose, request.mode)
        extra = ["successor"] if choose.random() < 0.3 else []
        if request.inner:
            flags, _, _ = self.options(choose, "exclusive")
            command = self.command_for(choose, number, Request([request.inner]))
            extra = ["nest", *self.sandbox.wrap("plain", ["guard", *flags, request.inner, "--", *command])]
        return self.sandbox.guarded_command(number, request.mode, request.names, milliseconds, *extra)

    def hold_time(self, choose, mode):
        """Chooses the milliseconds inside.

        Many commands end at once. Others stay until a second holder in a shared mode has started too. With
        slots, they stay so long that all slots are in use most of the time.
        """
        if mode.isdigit():
            return choose.randint(50, 500)
        longest = choose.choice([0, 0, 5, 20, 60, 200])
        return choose.randint(0, longest) if mode == "exclusive" else choose.randint(20, 100 + longest)

    def observe(self):
        """Runs queries that change nothing; their output must always be complete."""
        choose = chooser(self.sandbox.settings, self.name, "observe")
        while not self.sandbox.ended.wait(choose.uniform(0.1, 0.5)):
            self.query(*choose.choice(self.queries(choose.choice(self.names))))

    def queries(self, name):
        """Returns queries, and the exit codes that each may have."""
        return [
            (["status", "--json"], {0}),
            (["status", "--json", name], {0, 3}),
            (["why", "--json", name], {0, 2}),
            (["exists", name], {0, 3}),
        ]

    def query(self, words, expected):
        done = self.sandbox.lokt(*words)
        self.sandbox.counts["queries"] += 1
        if done.returncode not in expected:
            self.sandbox.problem("exit code", f"{words}: {done.returncode}: {done.stderr}")
        elif done.stdout:
            json.loads(done.stdout)

    def end(self):
        """Waits until no more processes are started."""
        self.sandbox.ended.set()
        for thread in self.threads:
            thread.join()
        self.faults.join()

    def check_afterwards(self):
        """Checks, without faults, that waiters take free places at once.

        A waiter that is not woken checks again within a second, so the limit is much shorter than that. On a busy
        machine it may be late once, but not every time.
        """
        if self.min_concurrency > 1 and not any(self.enter_together() for _ in range(5)):
            self.sandbox.problem("left empty", f"{self.min_concurrency} places were not taken within {AT_ONCE} s")

    def enter_together(self):
        """Lets the most allowed number of waiters wait, and checks that all get in soon after the holders end."""
        sandbox, name, flags = self.sandbox, self.names[0], flags_of(self.shared_mode)
        # Readers wait for one writer; waiters for a slot wait for a holder of each slot.
        before = [[]] if self.shared_mode == "shared" else [flags] * SLOTS
        before = [Holder(sandbox, name, *each) for each in before]
        waiting = [Holder(sandbox, name, *flags, state="w") for _ in range(self.min_concurrency)]
        for holder in before:
            holder.release()
        try:
            wait_for("no process waits", lambda: not tickets(sandbox, name, "w"), AT_ONCE)
        except TimeoutError:
            return False
        finally:
            for holder in waiting:
                holder.release()
            for holder in [*before, *waiting]:
                holder.finish()
        return True

    def results(self):
        """Returns the counts to print beyond those that all scenarios have."""
        return []


class Exclusive(Scenario):
    """Many guards for one name, one at a time."""

    name = "exclusive"


class Shared(Scenario):
    """Readers and writers of one name."""

    name = "shared"
    min_concurrency = 2
    shared_mode = "shared"

    def request(self, choose):
        return Request(self.names, choose.choice(["shared", "shared", "exclusive"]))


class Slots(Scenario):
    """One name with several slots."""

    name = "slots"
    min_concurrency = SLOTS
    shared_mode = str(SLOTS)
    worker_factor = 2  # Some workers must wait, or the number of slots is not tested.

    def request(self, choose):
        return Request(self.names, str(SLOTS))


class Several(Scenario):
    """Any of five names, in any order, all or none."""

    name = "several"
    names = ["a", "b", "c", "d", "e"]

    def request(self, choose):
        names = choose.sample(self.names, choose.choice([1, 1, 2, 2, 3, 4, 5]))
        return Request(names, choose.choice(["exclusive", "exclusive", "exclusive", "shared"]))


class Nested(Scenario):
    """Nested guards of two names in any order: some must be refused, and none may hang."""

    name = "nested"
    names = ["p", "q"]
    refused = 7

    def step(self, choose, _worker):
        outer, inner = choose.sample(self.names, 2)
        if choose.random() < 0.15:
            # It holds one name while it waits for the other, so it can be part of a circle too.
            self.guard(choose, Request([outer, inner], expected=(0, self.refused)))
            return
        # The inner guard may be refused because it does not wait, or not for long.
        request = Request([outer], inner=inner, expected=(0, 2, self.refused))
        if self.guard(choose, request) == self.refused:
            self.sandbox.counts["refused as deadlocks"] += 1

    def check_afterwards(self):
        """Makes one certain circle: the guard that closes it is refused, and the other one gets in.

        This also removes what killed guards have left in the list of nested waits.
        """
        first, second = (self.waits_inside(*names) for names in (("p", "q"), ("q", "p")))
        before = tickets(self.sandbox, "q", "w")
        first.release()
        wait_for("the first waits for the second", lambda: new_tickets(self.sandbox, "q", "w", before))
        second.release()
        codes = [second.finish(), first.finish()]
        if codes != [self.refused, 0]:
            self.sandbox.problem("deadlock", f"the circle ended with {codes}")

    def waits_inside(self, outer, inner):
        """Returns a holder of one name that waits for another name when it is released."""
        words = self.sandbox.wrap("plain", ["guard", inner, "--wait", "--timeout", "20s", "--", "true"])
        command = ["sh", "-c", 'cat; exec "$@"', "sh", *words]
        return Holder(self.sandbox, outer, command=command, expected=(0, self.refused))

    def results(self):
        return ["refused as deadlocks"]
