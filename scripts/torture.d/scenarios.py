"""The scenarios: who asks for which locks in which way, all of them at the same time."""
import json
import threading
from dataclasses import dataclass

from faults import KILLS, STOPS, Faults
from ground import SLOTS, Ground, chooser, flags_of
from line import Holder, tickets, wait_for

AT_ONCE = 0.3  # seconds
PATIENCE = "5m"  # Nobody gives up by himself before there is a wedge.


@dataclass
class Demand:
    """What one guard is asked for."""

    names: list
    mode: str = "exclusive"  # or shared, or a number of slots
    inner: str = ""  # the name of a guard inside
    owner: str = ""
    expected: tuple = (0,)


class Scenario:
    """Workers that run guards, one after the other, while faults happen to them."""

    name = ""
    names = ["x"]
    must_reach = 1  # So many must have been inside at the same time, or the run has proved nothing.
    sharing = ""  # The mode in which that many are.
    crowd = 1  # How many times as many workers as elsewhere.
    ways = ("clock", "namespace", "init")
    kills = tuple(KILLS)
    stops = tuple(STOPS)

    def __init__(self, settings):
        self.ground = Ground(self.name, settings)
        self.faults = Faults(self.ground, self.kills, self.stops)
        self.threads = []

    def start(self):
        for worker in range(self.ground.settings.workers * self.crowd):
            self.spawn(self.work, worker)
        self.spawn(self.look_on)
        self.faults.start()

    def spawn(self, work, *arguments):
        thread = threading.Thread(target=self.safely, args=(work, *arguments), daemon=True)
        thread.start()
        self.threads.append(thread)

    def safely(self, work, *arguments):
        """A worker that fails must not be missed in silence."""
        try:
            work(*arguments)
        except Exception as error:  # whatever it is
            self.ground.problem("torture", f"{work.__name__} {arguments}: {error!r}")

    def work(self, worker):
        choose = chooser(self.ground.settings, self.name, worker)
        while not self.ground.ended.is_set():
            self.turn(choose, worker)

    def turn(self, choose, _worker):
        self.guard(choose, self.demand(choose))

    def demand(self, _choose):
        return Demand(self.names)

    def guard(self, choose, demand):
        """One guard, from its start to its end."""
        ground = self.ground
        number = next(ground.numbers)
        way = ground.some_way(choose, self.ways)
        flags, ttl, expected = self.manner(choose, demand.mode)
        command = self.inside(choose, number, demand)
        words = ground.dress(way, ["guard", *flags, *demand.names, "--", *command])
        expected = expected | set(demand.expected)
        run = ground.start(words, expected, number, way, owner=demand.owner, ttl=ttl)
        return ground.finish(run)

    def manner(self, choose, mode):
        """The flags of a guard, the seconds it announces to live, and what it may end with if it is refused."""
        flags = flags_of(mode)
        ttl = choose.choice([0, 0, 0.2, 0.5, 5])
        if ttl:
            flags = [*flags, "--ttl", f"{ttl * 1000:.0f}ms"]
        patience = choose.choices([PATIENCE, "40ms", None], [8, 1, 1])[0]
        if patience:
            flags = [*flags, "--wait", "--timeout", patience]
        return flags, ttl, set() if patience == PATIENCE else {2}

    def inside(self, choose, number, demand):
        """The guarded command."""
        milliseconds = self.hold(choose, demand.mode)
        extra = ["family"] if choose.random() < 0.3 else []
        if demand.inner:
            flags, _, _ = self.manner(choose, "exclusive")
            inside = self.inside(choose, number, Demand([demand.inner]))
            extra = ["nest", *self.ground.dress("plain", ["guard", *flags, demand.inner, "--", *inside])]
        return self.ground.inside(number, demand.mode, demand.names, milliseconds, *extra)

    def hold(self, choose, mode):
        """Milliseconds inside: many pass the lock on at once; others stay until whoever enters beside them has
        started, too. Slots must be so long in use that they are all taken most of the time."""
        if mode.isdigit():
            return choose.randint(50, 500)
        longest = choose.choice([0, 0, 5, 20, 60, 200])
        return choose.randint(0, longest) if mode == "exclusive" else choose.randint(20, 100 + longest)

    def look_on(self):
        """Somebody who only looks on; what is shown must always be whole."""
        choose = chooser(self.ground.settings, self.name, "look on")
        while not self.ground.ended.wait(choose.uniform(0.1, 0.5)):
            self.look(*choose.choice(self.looks(choose.choice(self.names))))

    def looks(self, name):
        """What one can look at, and how that may end."""
        return [
            (["status", "--json"], {0}),
            (["status", "--json", name], {0, 3}),
            (["why", "--json", name], {0, 2}),
            (["exists", name], {0, 3}),
        ]

    def look(self, words, expected):
        done = self.ground.lokt(*words)
        self.ground.counts["looks"] += 1
        if done.returncode not in expected:
            self.ground.problem("exit code", f"{words}: {done.returncode}: {done.stderr}")
        elif done.stdout:
            json.loads(done.stdout)

    def end(self):
        """Waits until nothing is started any more."""
        self.ground.ended.set()
        for thread in self.threads:
            thread.join()
        self.faults.join()

    def aftermath(self):
        """What else is to be seen when nobody disturbs any more: that places that are free are taken at once.

        A waiter whom nobody wakes looks again within a second, so it must be much sooner than that. On a busy
        machine it may be late once, but not every time.
        """
        if self.must_reach > 1 and not any(self.enter_together() for _ in range(5)):
            self.ground.problem("left empty", f"{self.must_reach} places were not taken within {AT_ONCE} s")

    def enter_together(self):
        """As many as may be in wait for as many others; whether they are all in soon after those have gone."""
        ground, name, flags = self.ground, self.names[0], flags_of(self.sharing)
        # Readers wait for a writer; those who want a slot, for as many as there are.
        before = [[]] if self.sharing == "shared" else [flags] * SLOTS
        before = [Holder(ground, name, *each) for each in before]
        waiting = [Holder(ground, name, *flags, state="w") for _ in range(self.must_reach)]
        for holder in before:
            holder.let_go()
        try:
            wait_for("nobody waits", lambda: not tickets(ground, name, "w"), AT_ONCE)
        except TimeoutError:
            return False
        finally:
            for holder in waiting:
                holder.let_go()
            for holder in [*before, *waiting]:
                holder.finish()
        return True

    def results(self):
        """The counts that are to be told beyond those that all scenarios have."""
        return []


class Exclusive(Scenario):
    """Many for one name, one at a time."""

    name = "exclusive"


class Shared(Scenario):
    """Readers and writers of one name."""

    name = "shared"
    must_reach = 2
    sharing = "shared"

    def demand(self, choose):
        return Demand(self.names, choose.choice(["shared", "shared", "exclusive"]))


class Slots(Scenario):
    """One name with several places."""

    name = "slots"
    must_reach = SLOTS
    sharing = str(SLOTS)
    crowd = 2  # Somebody must wait, or the number of slots says nothing.

    def demand(self, choose):
        return Demand(self.names, str(SLOTS))


class Several(Scenario):
    """Any of five names, in any order, all or none."""

    name = "several"
    names = ["a", "b", "c", "d", "e"]

    def demand(self, choose):
        names = choose.sample(self.names, choose.choice([1, 1, 2, 2, 3, 4, 5]))
        return Demand(names, choose.choice(["exclusive", "exclusive", "exclusive", "shared"]))


class Nested(Scenario):
    """A guard inside a guard, of two names in any order: some must be refused, and nobody may hang."""

    name = "nested"
    names = ["p", "q"]
    refused = 7

    def turn(self, choose, _worker):
        outer, inner = choose.sample(self.names, 2)
        if choose.random() < 0.15:
            # It has one while it waits for the other, so it can be part of a circle like any other.
            self.guard(choose, Demand([outer, inner], expected=(0, self.refused)))
            return
        # The inner guard may be refused because it does not wait, or not for long.
        demand = Demand([outer], inner=inner, expected=(0, 2, self.refused))
        if self.guard(choose, demand) == self.refused:
            self.ground.counts["refused as deadlocks"] += 1

    def aftermath(self):
        """One circle that is sure to be one: the second to close it is refused, the first gets in.

        It also removes what killed ones have left in the list of waits inside guards.
        """
        first, second = (self.waits_inside(*names) for names in (("p", "q"), ("q", "p")))
        first.let_go()
        wait_for("the first waits for the second", lambda: tickets(self.ground, "q", "w"))
        second.let_go()
        codes = [second.finish(), first.finish()]
        if codes != [self.refused, 0]:
            self.ground.problem("deadlock", f"the circle ended with {codes}")

    def waits_inside(self, outer, inner):
        """A holder of one name that waits for another when it is let go."""
        words = self.ground.dress("plain", ["guard", inner, "--wait", "--timeout", "20s", "--", "true"])
        command = ["sh", "-c", 'cat; exec "$@"', "sh", *words]
        return Holder(self.ground, outer, command=command, expected=(0, self.refused))

    def results(self):
        return ["refused as deadlocks"]
