"""Whether the audit log tells what happened.

The log is a second oracle: whatever changes a lock writes its event before it lets go of the latch, so the
order of the lines is the order of the changes. A process that was killed between a change and its line
leaves that line out, so some may be missing, but no more than processes were killed.
"""
import bisect
import json
from dataclasses import dataclass

from ground import SLOTS

ENDS = ("release", "lost", "stale-break", "auto-prune")
NEVER = ("corrupt-break", "force-break", "freeze", "unfreeze", "force-unfreeze", "freeze-deny")


@dataclass
class Acquisition:
    """What the log tells of one acquisition. Beginning and end are places in the log, in bytes."""

    name: str
    mode: str
    fence: int
    began: int
    ended: int = 0  # never, if 0: the first line begins something
    ended_by: str = ""
    under_lease: int = 0


class Audit:
    """Reads the log of one ground, and finds what cannot have happened so."""

    def __init__(self, ground):
        self.ground = ground
        self.acquisitions = {}
        self.acquired = {}  # by name: where in the log, and in which mode, also under leases
        self.fences = {}
        self.unlogged = set()  # acquisitions that ended without having begun

    def problem(self, text):
        self.ground.problem("audit log", text)

    def check(self):
        log = (self.ground.root / "audit.log").read_bytes()
        if not log.endswith(b"\n"):
            self.problem("the last line is cut off")
        at = 0
        for line in log.splitlines(keepends=True):
            try:
                self.read(at, json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                self.problem(f"at byte {at} there is no event ({error!r}): {line[:200]}")
            at += len(line)
        self.check_order()
        self.check_entries()
        self.check_missing()

    def read(self, at, event):
        kind, lock_id, extra = event["event"], event["lock_id"], event["extra"]
        if kind in NEVER:
            self.problem(f"byte {at}: nobody has done that: {event}")
        self.ground.counts["stale breaks"] += kind == "stale-break"
        self.ground.counts["acquisitions"] += kind == "acquire"
        if kind == "acquire":
            self.begin(at, event)
        elif kind in ENDS and not extra.get("under_lease"):
            self.end(at, kind, lock_id)
        elif kind == "renew":
            self.renew(at, lock_id)
        if kind == "lost" and self.ground.name != "mixed":
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
            # The holder was killed after its record was there, before its line was.
            self.unlogged.add(lock_id)
            if kind == "release" and self.ground.name != "mixed":
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
        """Those who were in at the same time, by the log, must have been allowed to be.

        One without an end is left out: its end was not logged, and may have been at any time.
        """
        inside = {}
        for lock_id, new in self.acquisitions.items():
            others = [each for each in inside.get(new.name, []) if each.ended > new.began]
            if new.ended:
                modes = {each.mode for each in [*others, new]}
                alone = "exclusive" in modes or len(modes) > 1
                if others and (alone or (modes == {"slots"} and len(others) >= SLOTS)):
                    self.problem(f"{lock_id} ({new.mode}) was acquired beside {others}")
                others.append(new)
            inside[new.name] = others

    def check_entries(self):
        """Everybody whom the oracle saw was logged before, and has gone if its guard could say so."""
        count = self.ground.counts["acquisitions"]
        if count < len(self.ground.entries):
            self.problem(f"{count} acquisitions, but {len(self.ground.entries)} entries")
        for entry in self.ground.entries:
            for name, lock_id, fence in zip(entry.names, entry.ids, entry.fences):
                self.check_alone(entry, name)
                known = self.acquisitions.get(lock_id)
                if lock_id in self.unlogged:
                    continue
                if known is None or (known.name, known.fence) != (name, int(fence)):
                    self.problem(f"the log does not tell of an entry as it was: {entry}, {known}")
                elif not known.under_lease:
                    self.check_release(entry, known)

    def stay(self, entry):
        """From where to where the log was written while an entry was inside; nothing if it was killed."""
        return entry.log_size, self.ground.left.get((entry.run, ",".join(entry.names)), 0)

    def check_alone(self, entry, name):
        """Nobody was let in while this one was inside who must not be in beside it."""
        begin, end = self.stay(entry)
        acquired = self.acquired.get(name, [])
        for at, mode in acquired[bisect.bisect(acquired, (begin,)) :]:
            if at >= end:
                return
            mine = "slots" if entry.mode.isdigit() else entry.mode
            if mine == "exclusive" or mode != mine:
                self.ground.problem("violation", f"{mode} let in at byte {at} of the log, beside {entry}")

    def check_release(self, entry, known):
        if known.ended and known.ended < self.stay(entry)[1]:
            text = f"the lock was free at byte {known.ended} of the log, while inside: {entry}, {known}"
            self.ground.problem("violation", text)
        run = self.ground.finished.get(entry.run)
        if run is None:
            self.problem(f"an entry of a run that has not ended: {entry}")
        elif "kill" not in run.faults and known.ended_by != "release":
            self.problem(f"nobody was killed, but no release was logged: {entry}, {known}")

    def check_missing(self):
        """Only a kill can hide a change."""
        open_ends = [each for each in self.acquisitions.values() if not each.ended]
        missing = len(open_ends) + len(self.unlogged)
        kills = self.ground.counts["lokt processes killed"]
        self.ground.counts["changes not logged"] = missing
        if missing > kills:
            self.problem(f"{missing} changes were not logged, but only {kills} lokt processes were killed")
