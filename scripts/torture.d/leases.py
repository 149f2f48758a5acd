"""The scenario with leases, which no process holds, against guards of the same name.

A lease ends by the wall clock, so here all processes have the same clock, the true one.
"""
import contextlib
import datetime
import fcntl
import json
import struct
import time

from scenarios import LONG_TIMEOUT, Request, Scenario

LIFETIMES = (0.3, 2, 2)  # seconds
RECORD_LOCK = struct.Struct("@hhqqi4x")  # struct flock, as in `oracle`


class Mixed(Scenario):
    """Leases, exclusive and shared guards, all for one name.

    No process holds a lease, so the oracle has no lock for it. Instead, a file tells the oracle when the lease is
    in force: from the moment when `lokt lock` has reported it, to its expiry or to the moment before `lokt unlock`
    is called. A guarded command reads the files of all other owners when it gets in, and a thread that locks a
    lease checks the oracle of the guards.
    """

    name = "mixed"
    conditions = ("namespace", "init", "group", "session")

    def __init__(self, settings):
        super().__init__(settings)
        self.leases = self.sandbox.folder / "leases"
        self.leases.mkdir()
        (self.sandbox.folder / "oracle" / "x").touch()

    def step(self, choose, worker):
        if worker % 3 == 0:
            self.lease(choose, f"owner-{worker}")
        else:
            self.guard(choose, Request(self.names, choose.choice(["shared", "exclusive"])))

    def lease(self, choose, owner):
        kind = choose.choice(["shared", "exclusive", "exclusive"])
        lease = self.lock(choose, owner, kind)
        if lease is None:
            return
        expiry, renewed = lease
        draft = self.leases / f".{owner}"
        draft.write_text(f"{kind} {expiry}")
        draft.rename(self.leases / owner)
        self.sandbox.counts["leases"] += 1
        use = choose.choices(["hold", "work", "abandon"], [4, 4, 1])[0]
        if use == "abandon":
            self.sandbox.counts["leases left to expire"] += 1
            return
        if use == "work" and kind == "exclusive":
            self.work_under(choose, owner, expiry)
        else:
            # Under a renewed lease, an orphaned command of the same owner may still be in.
            self.watch_lease(choose, kind, 0 if renewed else expiry)
        self.unlock(owner, expiry)

    def lock(self, choose, owner, kind):
        """Locks a lease, or renews the one that this owner still has.

        Returns its expiry, in seconds since 1970, and whether the owner had it before.
        """
        sandbox = self.sandbox
        timeout = choose.choice([LONG_TIMEOUT, LONG_TIMEOUT, "40ms"])
        flags = ["--shared"] if kind == "shared" else []
        ttl = f"{choose.choice(LIFETIMES) * 1000:.0f}ms"
        words = ["lock", "x", *flags, "--ttl", ttl, "--wait", "--timeout", timeout, "--json"]
        number = next(sandbox.numbers)
        condition = sandbox.choose_condition(choose, self.conditions)
        expected = {0} if timeout == LONG_TIMEOUT else {0, 2}
        output = sandbox.folder / f"{owner}.output"
        with open(output, "wb") as stdout:
            run = sandbox.start(sandbox.wrap(condition, words), expected, number, condition, owner, stdout=stdout)
        if sandbox.finish(run) != 0:
            return None
        lease = json.loads(output.read_text())
        expires_at = lease["expires_at"].replace("Z", "+00:00")
        return datetime.datetime.fromisoformat(expires_at).timestamp(), "renewed" in lease

    def watch_lease(self, choose, kind, expiry):
        """Checks repeatedly that no conflicting guard is in while this lease is in force."""
        until = time.monotonic() + choose.uniform(0, 0.3)
        while True:
            other = self.guard_inside(kind)
            if other and time.time() < expiry:
                self.sandbox.problem("violation", f"a {kind} lease is in force while a guard is in: {other}")
            if time.monotonic() > until:
                return
            time.sleep(0.005)

    def guard_inside(self, kind):
        """Returns the record lock of a guarded command that conflicts with a lease of this kind, or None."""
        wanted = fcntl.F_RDLCK if kind == "shared" else fcntl.F_WRLCK
        asked = RECORD_LOCK.pack(wanted, 0, 0, 2, 0)
        with open(self.sandbox.folder / "oracle" / "x", "rb+") as file:
            found = RECORD_LOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
        return None if found[0] == fcntl.F_UNLCK else found

    def work_under(self, choose, owner, expiry):
        """Runs a guard under the owner's lease. The guard may lose the lease, but only after it has expired."""
        code = self.guard(choose, Request(self.names, owner=owner, expected=(0, 6)))
        self.sandbox.counts["guards under a lease"] += code == 0
        if code == 6:
            self.sandbox.counts["leases lost under a guard"] += 1
            if time.time() < expiry:
                self.sandbox.problem("exit code", "6 before the end of the lease")

    def unlock(self, owner, expiry):
        with contextlib.suppress(FileNotFoundError):
            (self.leases / owner).unlink()
        done = self.sandbox.lokt("unlock", "x", owner=owner)
        # 3: the lease has expired. 4: an orphaned command still works under it. The texts are those of unlock for a
        # guard that lives, one that is gone, and one that cannot be seen from here.
        guarded = any(words in done.stderr for words in ("living guard", "what is left of a guard", "held by a guard, or"))
        explained = {3: time.time() >= expiry, 4: guarded}
        explained[4] = explained[4] or explained[3]
        if done.returncode != 0 and not explained.get(done.returncode):
            self.sandbox.problem("exit code", f"unlock: {done.returncode}: {done.stderr}")

    def queries(self, name):
        """Adds a query that prunes expired leases, also that of a stopped guard."""
        return [*super().queries(name), (["status", "--json", "--prune-expired"], {0})]

    def check_afterwards(self):
        """Waits until the leases that were not unlocked have expired."""
        time.sleep(max(LIFETIMES))

    def results(self):
        return ["leases", "leases left to expire", "guards under a lease", "leases lost under a guard"]
