"""Checks whether the audit log matches what happened.

The log is a second oracle: every process that changes a lock writes its event before it unlocks the latch, so
the order of the lines is the order of the changes. A process killed between a change and its line does not
write that line, and neither does one that may not write. So lines may be missing, but no more than the number of
these processes.
"""
import bisect
import json
from dataclasses import dataclass

from sandbox import SLOTS

ENDS = ("release", "lost", "stale-break", "auto-prune")
NEVER = ("corrupt-break", "force-break", "freeze", "unfreeze", "force-unfreeze", "freeze-deny")


@dataclass
class Acquisition:
    """One acquisition in the log. Its start and end are positions in the log, in bytes."""

    name: str
    mode: str
    fence: int
    began: int
    ended: int = 0  # 0 is "not ended": the first line of a log ends nothing
    ended_by: str = ""
    under_lease: int = 0


class Audit:
    """Reads the log of one sandbox, and finds events that contradict each other or the oracle."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.acquisitions = {}
        self.acquired = {}  # by name: position in the log and mode, also under leases
        self.fences = {}
        self.unlogged = set()  # acquisitions that ended without a start in the log

    def problem(self, text):
        self.sandbox.problem("audit log", text)

    def check(self):
        log = (self.sandbox.root / "audit.log").read_bytes()
        if not log.endswith(b"\n"):
            self.problem("the last line is cut off")
        at = 0
        for line in log.splitlines(keepends=True):
            try:
                self.read(at, json.loads(self.without_cut(line)))
            except (ValueError, KeyError, TypeError) as error:
                self.problem(f"at byte {at} the line is not an event ({error!r}): {line[:200]}")
            at += len(line)
        self.check_order()
        self.check_entries()
        self.check_missing()

    def without_cut(self, line):
        """Returns a line without the start of another event, whose process was not allowed to write the rest."""
        start = line.rfind(b'{"ts":')
        if start <= 0 or not self.sandbox.conditions["limit"]:
            return line
        self.sandbox.counts["lines cut off"] += 1
        return line[start:]

    def read(self, at, event):
        kind, lock_id, extra = event["event"], event["lock_id"], event["extra"]
        if kind in NEVER:
            self.problem(f"byte {at}: no process does this: {event}")
        self.sandbox.counts["stale breaks"] += kind == "stale-break"
        self.sandbox.counts["acquisitions"] += kind == "acquire"
        if kind == "acquire":
            self.begin(at, event)
        elif kind in ENDS and not extra.get("under_lease"):
            self.end(at, kind, lock_id)
        elif kind == "renew":
            self.renew(at, lock_id)
        if kind == "lost" and self.sandbox.name != "mixed":
            self.problem(f"byte {at}: a lock was lost: {event}")

    def begin(self, at, event):
        name, lock_id, extra = event["name"], event["lock_id"], event["extra"]
        mode = extra.get("mode", "exclusive")
        self.acquired.setdefault(name, []).append((at, mode))
        if extra.get("under_lease"):
            self.enter_under_lease(at, lock_id)
            return
        if lock_id in self.acquisitions or lock_id in self.unlogged:
            self.problem(f"byte {at}: {lock_id} was acquired before")
        fence = extra["fence"]
        if fence <= self.fences.get(name, 0):
            self.problem(f"byte {at}: fence {fence} after {self.fences[name]}")
        self.fences[name] = fence
        self.acquisitions[lock_id] = Acquisition(name, mode, fence, at)

    def enter_under_lease(self, at, lock_id):
        lease = self.acquisitions.get(lock_id)
        if lease is None:
            self.unlogged.add(lock_id)
        elif lease.ended:
            self.problem(f"byte {at}: a guard entered under {lock_id}, which had ended")
        else:
            lease.under_lease += 1

    def end(self, at, kind, lock_id):
        known = self.acquisitions.get(lock_id)
        if known is None:
            # The holder was killed after it wrote its record and before it wrote its line.
            self.unlogged.add(lock_id)
            if kind == "release" and self.sandbox.name != "mixed":
                self.problem(f"byte {at}: {lock_id} was released, but never acquired")
        elif known.ended:
            self.problem(f"byte {at}: {lock_id} ended twice, the first time by {known.ended_by}")
        else:
            known.ended, known.ended_by = at, kind

    def renew(self, at, lock_id):
        known = self.acquisitions.get(lock_id)
        if known is None:
            self.unlogged.add(lock_id)
        elif known.ended:
            self.problem(f"byte {at}: {lock_id} was renewed after its end")

    def check_order(self):
        """Checks that acquisitions that overlap in the log are compatible.

        An acquisition without an end is skipped: its end was not logged, and may have been at any time.
        """
        holders = {}
        for lock_id, new in self.acquisitions.items():
            others = [each for each in holders.get(new.name, []) if each.ended > new.began]
            if new.ended:
                modes = {each.mode for each in [*others, new]}
                alone = "exclusive" in modes or len(modes) > 1
                if others and (alone or (modes == {"slots"} and len(others) >= SLOTS)):
                    self.problem(f"{lock_id} ({new.mode}) was acquired beside {others}")
                others.append(new)
            holders[new.name] = others

    def check_entries(self):
        """Checks that each entry of the oracle was logged before, and its end too if its guard was not killed."""
        count = self.sandbox.counts["acquisitions"]
        if count < len(self.sandbox.entries):
            self.problem(f"{count} acquisitions, but {len(self.sandbox.entries)} entries")
        for entry in self.sandbox.entries:
            for name, lock_id, fence in zip(entry.names, entry.ids, entry.fences):
                self.check_exclusion(entry, name)
                known = self.acquisitions.get(lock_id)
                if lock_id in self.unlogged:
                    continue
                if known is None or (known.name, known.fence) != (name, int(fence)):
                    self.problem(f"the log does not match an entry: {entry}, {known}")
                elif not known.under_lease:
                    self.check_release(entry, known)

    def log_span(self, entry):
        """Returns the part of the log written while an entry was inside; empty if the command was killed."""
        return entry.log_size, self.sandbox.exits.get((entry.run, ",".join(entry.names)), 0)

    def check_exclusion(self, entry, name):
        """Checks that no conflicting acquisition was logged while this entry was inside."""
        begin, end = self.log_span(entry)
        acquired = self.acquired.get(name, [])
        for at, mode in acquired[bisect.bisect(acquired, (begin,)) :]:
            if at >= end:
                return
            own = "slots" if entry.mode.isdigit() else entry.mode
            if own == "exclusive" or mode != own:
                self.sandbox.problem("violation", f"{mode} was acquired at byte {at} of the log, beside {entry}")

    def check_release(self, entry, known):
        if known.ended and known.ended < self.log_span(entry)[1]:
            text = f"the lock was free at byte {known.ended} of the log, during an entry: {entry}, {known}"
            self.sandbox.problem("violation", text)
        run = self.sandbox.finished.get(entry.run)
        if run is None:
            self.problem(f"an entry belongs to a run that has not ended: {entry}")
        elif "kill" not in run.faults and run.condition != "limit" and known.ended_by != "release":
            self.problem(f"no process was killed, but no release was logged: {entry}, {known}")

    def check_missing(self):
        """Checks that no more changes are missing than lokt processes were killed or not allowed to write."""
        open_ends = [each for each in self.acquisitions.values() if not each.ended]
        missing = len(open_ends) + len(self.unlogged)
        killed, limited = self.sandbox.counts["lokt processes killed"], self.sandbox.conditions["limit"]
        self.sandbox.counts["changes not logged"] = missing
        if missing > killed + limited:
            text = f"only {killed} lokt processes were killed and {limited} limited"
            self.problem(f"{missing} changes were not logged, but {text}")
