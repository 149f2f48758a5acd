"""First come, first served: many waiters join a queue one after the other, and the order in which they get in is
compared with the order of their arrival.

A waiter starts only after the ticket of the one before it has appeared, so the order is known. Two orders are
compared with it. Admission is the order of the `acquire` events in the audit log, which are written under the
latch. The other order is that of the commands' first instructions, which the oracle reports. Between the two
lies the start of a process, which has no time limit.

* exclusive: admission and first instructions are in the order of arrival, exactly. Some waiters are killed in
  the queue; the others keep their order.
* shared, with writers in between: a writer is alone, so all that came before it are seen before it, and all
  that came after it are seen after it. The order of those between two writers is not promised.
* N slots: admission is in the order of arrival, exactly. A first instruction is seen at most N - 1 places
  early: when it runs, its process has a slot, and all earlier waiters have been admitted. Those of them that
  have not been seen have not ended either, so each of them has one of the other N - 1 slots. There is no limit
  on how late it is seen: while one process starts slowly, the other slots serve many.
"""
import json
import signal
import threading
import time

import processes
from queue_state import Holder, tickets, wait_for
from sandbox import SLOTS, Sandbox, chooser, flags_of

WAITERS = 50
KILLED = 5


class Fairness:
    """Rounds with many waiters in a queue, until the time is over; at least one round of each mode."""

    name = "fairness"
    min_concurrency = 1

    def __init__(self, settings):
        self.sandbox = Sandbox(self.name, settings)
        self.names = []
        self.threads = []
        self.choose = chooser(settings, self.name)

    def start(self):
        self.threads = [threading.Thread(target=self.work, daemon=True)]
        self.threads[0].start()

    def work(self):
        rounds = 0
        try:
            while rounds < 3 or not self.sandbox.ended.is_set():
                mode = ("exclusive", "shared", str(SLOTS))[rounds % 3]
                Round(self, mode, f"{mode}-{rounds}").run()
                rounds += 1
        except Exception as error:  # any failure is a problem to report
            self.sandbox.problem("torture", f"round {rounds}: {error!r}")

    def end(self):
        self.sandbox.ended.set()
        self.threads[0].join()

    def check_afterwards(self):
        """There is nothing more to check."""

    def results(self):
        return ["waiters", "overtakes", "places early, at most"]


class Round:
    """One round: one holder, or one for each slot; the waiters behind it; and the order in which they got in."""

    def __init__(self, fairness, mode, name):
        self.sandbox, self.choose, self.mode, self.name = fairness.sandbox, fairness.choose, mode, name
        fairness.names.append(name)
        self.waiters = []  # runs, in the order of arrival
        self.modes = []
        self.ids = []

    def run(self):
        slots = self.mode.isdigit()
        flags = flags_of(self.mode) if slots else []
        holders = [Holder(self.sandbox, self.name, *flags) for _ in range(SLOTS if slots else 1)]
        for _ in range(WAITERS):
            self.add_waiter()
        killed = self.kill_some() if self.mode == "exclusive" else []
        for holder in holders:
            holder.release()
        for run in [*(holder.run for holder in holders), *self.waiters]:
            self.sandbox.finish(run)
        self.sandbox.read_log()
        self.compare_orders(killed)

    def add_waiter(self):
        number = next(self.sandbox.numbers)
        mode = self.choose.choice(["shared", "exclusive"]) if self.mode == "shared" else self.mode
        condition = self.sandbox.choose_condition(self.choose)
        command = self.sandbox.guarded_command(number, mode, [self.name], self.choose.randint(0, 3))
        words = self.sandbox.wrap(condition, ["guard", *flags_of(mode), "--wait", self.name, "--", *command])
        self.waiters.append(self.sandbox.start(words, {0}, number, condition))
        self.modes.append(mode)
        count = len(self.waiters)
        wait_for(f"{count} in the queue", lambda: len(tickets(self.sandbox, self.name, "w")) >= count)
        self.ids += [lock_id for lock_id in tickets(self.sandbox, self.name, "w") if lock_id not in self.ids]
        self.sandbox.counts["waiters"] += 1
        self.sandbox.progress = time.monotonic()

    def kill_some(self):
        """Kills waiters in the queue. The waiters behind them must keep their order."""
        killed = self.choose.sample(range(WAITERS), KILLED)
        for at in killed:
            run = self.waiters[at]
            run.faults.add("kill")
            with processes.tree(run.pid, self.sandbox.folder) as tree:
                for process in tree:
                    if process.role == "waiter":
                        process.send(signal.SIGKILL)
        self.sandbox.kills["waiter"] += KILLED
        self.sandbox.counts["lokt processes killed"] += KILLED
        return killed

    def compare_orders(self, killed):
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
            self.sandbox.counts["places early, at most"] = max(
                early, self.sandbox.counts["places early, at most"]
            )
            if early > SLOTS - 1:
                self.overtaken("first instructions", f"{early} places early: {seen}", 1)

    def admitted(self, arrived):
        """Returns the order of admission, from the audit log."""
        with open(self.sandbox.root / "audit.log", encoding="utf-8") as log:
            events = [json.loads(line) for line in log]
        ids = [event["lock_id"] for event in events if event["event"] == "acquire"]
        numbers = {self.ids[at]: at for at in arrived}
        return [numbers[lock_id] for lock_id in ids if lock_id in numbers]

    def seen(self, arrived):
        """Returns the order of the first instructions, from the oracle."""
        numbers = {self.waiters[at].number: at for at in arrived}
        return [numbers[entry.run] for entry in self.sandbox.entries if entry.run in numbers]

    def groups(self, order):
        """Returns an order as groups: each writer alone, and the readers between two writers in any order."""
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
        self.sandbox.counts["overtakes"] += count
        self.sandbox.problem("overtake", f"{self.name}, {what}: {text}")
