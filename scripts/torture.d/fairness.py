"""First come, first served: many stand in line, one after the other, and the order in which they get in is
compared with the order in which they came.

Each is known to stand in line before the next one starts: its ticket has appeared. Two things are compared.
Admission is what the audit log tells: its `acquire` events are written in the section that lets somebody in.
What can be noticed outside is the first instruction of the command, which the oracle tells of; between the
two lies the start of a process, which takes as long as it takes.

* exclusive: admission and first instructions are in the order of arrival, exactly. Some are killed in the
  line; the others keep their order.
* shared, with writers in between: a writer is alone, so all who came before it are seen before it, and all
  who came after it are seen after it. In which order those between two writers get in is not promised.
* N slots: admission is in the order of arrival, exactly. A first instruction is seen at most N - 1 places
  early: when it runs, its process has a slot, and everybody who came before was let in before. Those of them
  who have not been seen have not ended either, so each of them has one of the other N - 1 slots. How late it
  may be seen has no bound: while one process starts slowly, the other slots serve many.
"""
import json
import signal
import threading
import time

import processes
from ground import SLOTS, Ground, chooser, flags_of
from line import Holder, tickets, wait_for

WAITERS = 50
KILLED = 5


class Fairness:
    """Rounds of many who wait in line, until the time is over; at least one of every kind."""

    name = "fairness"
    must_reach = 1

    def __init__(self, settings):
        self.ground = Ground(self.name, settings)
        self.names = []
        self.threads = []
        self.choose = chooser(settings, self.name)

    def start(self):
        self.threads = [threading.Thread(target=self.work, daemon=True)]
        self.threads[0].start()

    def work(self):
        rounds = 0
        try:
            while rounds < 3 or not self.ground.ended.is_set():
                mode = ("exclusive", "shared", str(SLOTS))[rounds % 3]
                Round(self, mode, f"{mode}-{rounds}").run()
                rounds += 1
        except Exception as error:  # whatever it is
            self.ground.problem("torture", f"round {rounds}: {error!r}")

    def end(self):
        self.ground.ended.set()
        self.threads[0].join()

    def aftermath(self):
        """Nothing is left here."""

    def results(self):
        return ["waiters", "overtakes", "places early, at most"]


class Round:
    """One holder, or as many as there are slots; those who wait behind; and what became of them."""

    def __init__(self, fairness, mode, name):
        self.ground, self.choose, self.mode, self.name = fairness.ground, fairness.choose, mode, name
        fairness.names.append(name)
        self.waiters = []  # runs, in the order of arrival
        self.modes = []
        self.ids = []

    def run(self):
        slots = self.mode.isdigit()
        flags = flags_of(self.mode) if slots else []
        holders = [Holder(self.ground, self.name, *flags) for _ in range(SLOTS if slots else 1)]
        for _ in range(WAITERS):
            self.stand_in_line()
        killed = self.kill_some() if self.mode == "exclusive" else []
        for holder in holders:
            holder.let_go()
        for run in [*(holder.run for holder in holders), *self.waiters]:
            self.ground.finish(run)
        self.ground.read_log()
        self.judge(killed)

    def stand_in_line(self):
        number = next(self.ground.numbers)
        mode = self.choose.choice(["shared", "exclusive"]) if self.mode == "shared" else self.mode
        way = self.ground.some_way(self.choose)
        command = self.ground.inside(number, mode, [self.name], self.choose.randint(0, 3))
        words = self.ground.dress(way, ["guard", *flags_of(mode), "--wait", self.name, "--", *command])
        self.waiters.append(self.ground.start(words, {0}, number, way))
        self.modes.append(mode)
        count = len(self.waiters)
        wait_for(f"{count} in line", lambda: len(tickets(self.ground, self.name, "w")) >= count)
        self.ids += [lock_id for lock_id in tickets(self.ground, self.name, "w") if lock_id not in self.ids]
        self.ground.counts["waiters"] += 1
        self.ground.progress = time.monotonic()
    def kill_some(self):
        """Kills waiters in the line; whoever is behind them must not lose a place by that."""
        killed = self.choose.sample(range(WAITERS), KILLED)
        for at in killed:
            run = self.waiters[at]
            run.faults.add("kill")
            with processes.tree(run.pid, self.ground.folder) as tree:
                for process in tree:
                    if process.role == "waiter":
                        process.send(signal.SIGKILL)
        self.ground.kills["waiter"] += KILLED
        self.ground.counts["lokt processes killed"] += KILLED
        return killed

    def judge(self, killed):
        arrived = [at for at in range(WAITERS) if at not in killed]
        admitted = self.admitted(arrived)
        seen = self.seen(arrived)
        if self.mode == "shared":
            self.compare("first instructions", self.groups(seen), self.groups(arrived))
        else:
            self.compare("admission", admitted, arrived)
        if self.mode == "exclusive":
            self.compare("first instructions", seen, arrived)
        if self.mode.isdigit():
            early = max(at - place for place, at in enumerate(seen))
            self.ground.counts["places early, at most"] = max(
                early, self.ground.counts["places early, at most"]
            )
            if early > SLOTS - 1:
                self.overtaken("first instructions", f"{early} places early: {seen}", 1)

    def admitted(self, arrived):
        """In which order they got in, as the audit log tells."""
        with open(self.ground.root / "audit.log", encoding="utf-8") as log:
            events = [json.loads(line) for line in log]
        ids = [event["lock_id"] for event in events if event["event"] == "acquire"]
        mine = {self.ids[at]: at for at in arrived}
        return [mine[lock_id] for lock_id in ids if lock_id in mine]

    def seen(self, arrived):
        """In which order their first instructions ran, as the oracle tells."""
        mine = {self.waiters[at].number: at for at in arrived}
        return [mine[entry.run] for entry in self.ground.entries if entry.run in mine]

    def groups(self, order):
        """An order of which only the places of the writers, and who is between them, matters."""
        groups = [[]]
        for at in order:
            if self.modes[at] == "shared":
                groups[-1].append(at)
            else:
                groups += [[at], []]
        return [sorted(group) for group in groups]

    def compare(self, what, found, expected):
        if found != expected:
            pairs = zip(found, expected)
            self.overtaken(what, f"{found} and not {expected}", sum(one != other for one, other in pairs))

    def overtaken(self, what, text, count):
        self.ground.counts["overtakes"] += count
        self.ground.problem("overtake", f"{self.name}, {what}: {text}")
