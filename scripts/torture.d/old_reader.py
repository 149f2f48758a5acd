"""The scenario of old readers: programs that know only `acquired_ts` and `ttl_sec`, like all releases from before the
field `expires_at`, beside guards that renew their records.

Such a program treats a record as expired when `ttl_sec` seconds have passed since `acquired_ts`, and then enters. So
it must never find the record of a living guard expired. Here no guard is killed, and none is stopped for longer than
its renewals allow, so every record belongs to a living guard. All processes have the true time.
"""
import datetime
import json
import threading
import time

from sandbox import chooser, flags_of
from scenarios import LONG_TIMEOUT, Request, Scenario

LIFETIME = 3  # seconds that a guard announces; it renews its record every second
READERS = 2


class OldReader(Scenario):
    """Guards of one or both of two names; many stay inside for longer than they announce."""

    name = "old-reader"
    names = ["x", "y"]
    conditions = ("namespace", "init", "group", "session")
    stops = ("waiter",)

    def __init__(self, settings):
        super().__init__(settings)
        # A process that waits for one name may hold the other one. If it were killed, its record would stay.
        stop = threading.Thread(target=self.faults.safely, args=(self.faults.stop,), daemon=True)
        self.faults.threads = [stop]

    def start(self):
        super().start()
        for number in range(READERS):
            self.spawn(self.read, number)

    def request(self, choose):
        names = choose.choice([["x"], ["y"], ["x", "y"], ["y", "x"]])
        return Request(names, choose.choice(["exclusive", "shared", "shared"]))

    def options(self, choose, mode):
        flags = [*flags_of(mode), "--ttl", f"{LIFETIME}s", "--wait", "--timeout", LONG_TIMEOUT]
        return flags, LIFETIME, set()

    def hold_time(self, choose, mode):
        return choose.choice([0, 100, 1000 * LIFETIME + 500, 2500 * LIFETIME])

    def read(self, number):
        """Reads records repeatedly, like an old program that wants to enter."""
        choose = chooser(self.sandbox.settings, self.name, "read", number)
        while not self.sandbox.ended.wait(choose.uniform(0, 0.02)):
            name = choose.choice(self.names)
            now = time.time()
            try:
                record = json.loads((self.sandbox.root / "locks" / f"{name}.json").read_bytes())
            except FileNotFoundError:
                continue
            self.sandbox.counts["records read"] += 1
            acquired = datetime.datetime.fromisoformat(record["acquired_ts"].replace("Z", "+00:00"))
            renewed = record.get("held_since", record["acquired_ts"]) != record["acquired_ts"]
            self.sandbox.counts["renewed records read"] += renewed
            if 0 < record.get("ttl_sec", 0) < now - acquired.timestamp():
                self.sandbox.problem("violation", f"an old reader finds {name} expired at {now}: {record}")

    def results(self):
        return ["records read", "renewed records read"]
