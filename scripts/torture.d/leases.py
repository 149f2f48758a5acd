"""The scenario with leases: what no process holds, against guards of the same name.

A lease ends by the wall clock, so here all processes have the same clock, the true one.
"""
import contextlib
import datetime
import fcntl
import json
import struct
import time

from scenarios import PATIENCE, Demand, Scenario

LIVES = (0.3, 2, 2)  # seconds that a lease lives
RECORD_LOCK = struct.Struct("@hhqqi4x")  # struct flock, as in `inside`


class Mixed(Scenario):
    """Leases, exclusive and shared guards, all for one name.

    Nobody's process holds a lease, so there is no lock that could tell the oracle. Instead a file tells it
    from when to when the lease is in force: from the moment in which `lokt lock` has said so, to its expiry,
    or to the moment before `lokt unlock` is called. Whoever gets in reads the files of all others, and
    whoever takes a lease looks into the oracle of the guards.
    """

    name = "mixed"
    ways = ("namespace", "init")

    def __init__(self, settings):
        super().__init__(settings)
        self.leases = self.ground.folder / "leases"
        self.leases.mkdir()
        (self.ground.folder / "oracle" / "x").touch()

    def turn(self, choose, worker):
        if worker % 3 == 0:
            self.lease(choose, f"owner-{worker}")
        else:
            self.guard(choose, Demand(self.names, choose.choice(["shared", "exclusive"])))

    def lease(self, choose, owner):
        kind = choose.choice(["shared", "exclusive", "exclusive"])
        taken = self.take(choose, owner, kind)
        if taken is None:
            return
        expiry, renewed = taken
        draft = self.leases / f".{owner}"
        draft.write_text(f"{kind} {expiry}")
        draft.rename(self.leases / owner)
        self.ground.counts["leases"] += 1
        use = choose.choices(["hold", "work", "abandon"], [4, 4, 1])[0]
        if use == "abandon":
            self.ground.counts["leases left to expire"] += 1
            return
        if use == "work" and kind == "exclusive":
            self.work_under(choose, owner, expiry)
        else:
            # Under a lease that it had, the owner's own guard may be in: one whose guard was killed.
            self.hold_lease(choose, kind, 0 if renewed else expiry)
        self.give_back(owner, expiry)

    def take(self, choose, owner, kind):
        """Takes a lease, or renews what this owner still has.

        Gives its expiry, in seconds since 1970, and whether the owner had it before.
        """
        ground = self.ground
        patience = choose.choice([PATIENCE, PATIENCE, "40ms"])
        flags = ["--shared"] if kind == "shared" else []
        life = f"{choose.choice(LIVES) * 1000:.0f}ms"
        words = ["lock", "x", *flags, "--ttl", life, "--wait", "--timeout", patience, "--json"]
        number = next(ground.numbers)
        way = ground.some_way(choose, self.ways)
        expected = {0} if patience == PATIENCE else {0, 2}
        said = ground.folder / f"{owner}.said"
        with open(said, "wb") as stdout:
            run = ground.start(ground.dress(way, words), expected, number, way, owner, stdout=stdout)
        if ground.finish(run) != 0:
            return None
        lease = json.loads(said.read_text())
        expires_at = lease["expires_at"].replace("Z", "+00:00")
        return datetime.datetime.fromisoformat(expires_at).timestamp(), "renewed" in lease

    def hold_lease(self, choose, kind, expiry):
        """Looks again and again whether a guard is in beside this lease, until it expires."""
        until = time.monotonic() + choose.uniform(0, 0.3)
        while True:
            beside = self.guard_inside(kind)
            if beside and time.time() < expiry:
                self.ground.problem("violation", f"a {kind} lease was given while a guard is in: {beside}")
            if time.monotonic() > until:
                return
            time.sleep(0.005)

    def guard_inside(self, kind):
        """The record lock of a guarded command that must not be in beside a lease of this kind."""
        wanted = fcntl.F_RDLCK if kind == "shared" else fcntl.F_WRLCK
        asked = RECORD_LOCK.pack(wanted, 0, 0, 2, 0)
        with open(self.ground.folder / "oracle" / "x", "rb+") as file:
            found = RECORD_LOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
        return None if found[0] == fcntl.F_UNLCK else found

    def work_under(self, choose, owner, expiry):
        """A guard under the owner's own lease. It may lose that, but only when the lease's time is over."""
        code = self.guard(choose, Demand(self.names, owner=owner, expected=(0, 6)))
        self.ground.counts["guards under a lease"] += code == 0
        if code == 6:
            self.ground.counts["leases lost under a guard"] += 1
            if time.time() < expiry:
                self.ground.problem("exit code", "6 before the end of the lease")

    def give_back(self, owner, expiry):
        with contextlib.suppress(FileNotFoundError):
            (self.leases / owner).unlink()
        done = self.ground.lokt("unlock", "x", owner=owner)
        # It has expired meanwhile; or an orphaned command still works under it.
        # The words of unlock for a guard that lives, one that is gone, and one that cannot be seen from here.
        guarded = any(words in done.stderr for words in ("living guard", "what is left of a guard", "held by a guard, or"))
        explained = {3: time.time() >= expiry, 4: guarded}
        explained[4] = explained[4] or explained[3]
        if done.returncode != 0 and not explained.get(done.returncode):
            self.ground.problem("exit code", f"unlock: {done.returncode}: {done.stderr}")

    def looks(self, name):
        """Who clears away what has expired may clear away the lease of a guard that is stopped."""
        return [*super().looks(name), (["status", "--json", "--prune-expired"], {0})]

    def aftermath(self):
        """Leases that were left end by themselves."""
        time.sleep(max(LIVES))

    def results(self):
        return ["leases", "leases left to expire", "guards under a lease", "leases lost under a guard"]
