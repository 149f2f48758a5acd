"""What happens to processes while they work: they are killed, ended, and stopped for a while."""
import contextlib
import os
import signal
import threading
import time

import processes
import watch
from ground import WEDGE_SECONDS, chooser

# What is killed, and how often: whoever is in is rarer than those who wait, so it is looked for.
KILLS = {"guard": 6, "command": 4, "tree": 4, "group": 3, "waiter": 5, "term": 2}
STOPS = {"guard": 4, "command": 3, "waiter": 3}
KILL_PAUSE = (0.05, 0.4)  # seconds between two of a kind
STOP_PAUSE = (0.5, 3)
MANY_TURNS = 20
STORM = 4  # seconds between two calms
LONGEST_STOP = 0.9  # seconds, far from the 5 that others wait for a latch which a stopped process has


class Faults:
    """Kills and stops in one scenario, each in a thread of its own, until it is ended.

    From time to time there is a calm: no faults until all that run have ended. A waiter whom nobody wakes is
    found by that; in the storm it would be killed sooner or later, and nobody would know.
    """

    def __init__(self, ground, kills, stops):
        self.ground, self.kills, self.stops = ground, kills, stops
        self.orphans = []  # pidfds of commands whose guard was killed, and when to kill them
        self.calm = threading.Event()
        works = (self.kill, self.stop)
        self.threads = [threading.Thread(target=self.safely, args=(it,), daemon=True) for it in works]

    def start(self):
        for thread in self.threads:
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join()

    def safely(self, work):
        try:
            work()
        except Exception as error:  # whatever it is
            self.ground.problem("torture", f"{work.__name__}: {error!r}")

    def kill(self):
        choose = chooser(self.ground.settings, self.ground.name, "kill")
        storm_ends = time.monotonic() + STORM
        while not self.ground.ended.wait(choose.uniform(*KILL_PAUSE)):
            self.kill_orphans()
            if time.monotonic() > storm_ends:
                self.wait_for_calm()
                storm_ends = time.monotonic() + STORM
            kind = choose.choices(self.kills, [KILLS[each] for each in self.kills])[0]
            with self.victim(choose, {"term": ("guard", "waiter")}.get(kind, (kind,))) as found:
                if found:
                    self.strike(choose, kind, *found)
        self.kill_orphans(at_once=True)

    def wait_for_calm(self):
        """Lets everybody who runs come to an end undisturbed.

        Where nobody gets in at all, the watchdog sees it. Where others do, and so many that everybody must have
        had his turn, somebody has been forgotten.
        """
        self.calm.set()
        ground, began, entries = self.ground, time.monotonic(), len(self.ground.entries)
        runs = list(ground.live.values())
        while any(run.code is None for run in runs) and not ground.ended.wait(0.02):
            passed = len(ground.entries) - entries
            if time.monotonic() > began + WEDGE_SECONDS and passed > MANY_TURNS * len(runs):
                stuck = [run.number for run in runs if run.code is None]
                watch.wedge(ground, f"{passed} others got in undisturbed, but not: runs {stuck}")
                return
        ground.counts["calms"] += not ground.ended.is_set()
        self.calm.clear()

    @contextlib.contextmanager
    def victim(self, choose, roles):
        """A process of one of these roles, with its run and all the processes of that."""
        roles = [{"tree": "guard", "group": "command"}.get(role, role) for role in roles]
        runs = list(self.ground.live.values())
        choose.shuffle(runs)
        for run in runs:
            with processes.tree(run.pid, self.ground.folder) as tree:
                fitting = [process for process in tree if process.role in roles]
                if fitting:
                    yield run, choose.choice(fitting), tree
                    return
        yield None

    def strike(self, choose, kind, run, process, tree):
        run.faults.add("term" if kind == "term" else "kill")
        self.ground.counts["lokt processes killed"] += self.lokt_processes(kind, run, process, tree)
        if kind == "term":
            struck = process.send(signal.SIGTERM)
        elif kind in ("tree", "group"):
            struck = self.kill_groups(choose, kind, process, tree)
        else:
            struck = process.send(signal.SIGKILL)
        if kind == "guard" and "command" in self.kills:
            self.remember_orphans(choose, process, tree)
        self.ground.kills[kind] += bool(struck)

    def lokt_processes(self, kind, run, process, tree):
        """How many lokt processes a fault kills. With the first of a namespace, all in it die."""
        struck = {
            "tree": tree,
            "group": [each for each in tree if each.group == process.group],
            "term": [],
        }.get(kind, [process])
        in_namespace = run.way in ("namespace", "init") and kind != "term"
        struck = tree if in_namespace else struck
        return sum(each.role in ("guard", "waiter") for each in struck)

    def kill_groups(self, choose, kind, process, tree):
        """Kills whole process groups, each at one moment: that of the command, or all in any order."""
        groups = {process.group} if kind == "group" else {each.group for each in tree}
        groups = sorted(groups)
        choose.shuffle(groups)
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        return True

    def remember_orphans(self, choose, guard, tree):
        """Some of the commands that have lost their guard are killed a little later."""
        for process in tree:
            if process.parent == guard.pid and choose.random() < 0.5:
                self.orphans.append((time.monotonic() + choose.uniform(0, 0.06), os.dup(process.pidfd)))

    def kill_orphans(self, at_once=False):
        waiting, self.orphans = self.orphans, []
        for due, pidfd in waiting:
            if due > time.monotonic() and not at_once:
                self.orphans.append((due, pidfd))
                continue
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                self.ground.kills["orphan"] += 1
            os.close(pidfd)

    def stop(self):
        """Stops one process at a time, for longer than its guard has announced to live."""
        choose = chooser(self.ground.settings, self.ground.name, "stop")
        while not self.ground.ended.wait(choose.uniform(*STOP_PAUSE)):
            if self.calm.is_set():
                continue
            kind = choose.choices(self.stops, [STOPS[each] for each in self.stops])[0]
            with self.victim(choose, (kind,)) as found:
                if not found:
                    continue
                run, process, _ = found
                run.faults.add("stop")
                if process.send(signal.SIGSTOP):
                    seconds = min(LONGEST_STOP, max(0.1, choose.uniform(1.5, 4) * run.ttl))
                    self.ground.stops[kind] += 1
                    self.ground.counts["stops beyond ttl"] += 0 < run.ttl < seconds
                    self.ground.ended.wait(seconds)
                    process.send(signal.SIGCONT)
