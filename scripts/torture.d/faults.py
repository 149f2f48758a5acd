"""Faults that hit processes while they work: they are killed, terminated, and stopped for a while."""
import contextlib
import os
import signal
import threading
import time

import processes
import watchdog
from sandbox import WEDGE_SECONDS, chooser

# What is killed, and how often. Holders are rarer than waiters, so they have more weight.
KILLS = {"guard": 6, "command": 4, "tree": 4, "group": 3, "waiter": 5, "term": 2}
STOPS = {"guard": 4, "command": 3, "waiter": 3}
KILL_PAUSE = (0.05, 0.4)  # seconds between two kills
STOP_PAUSE = (0.5, 3)  # seconds between two stops
MANY_TURNS = 20
FAULT_SECONDS = 4  # seconds with faults between two pauses
LONGEST_STOP = 0.9  # seconds; much less than the 5 s that others wait for the latch of a stopped process


class Faults:
    """Kills and stops in one scenario, each in a separate thread, until the scenario ends.

    From time to time the faults pause until all current runs have ended. This finds a waiter that is not woken;
    otherwise a fault would kill it sooner or later, and it would stay unnoticed.
    """

    def __init__(self, sandbox, kills, stops):
        self.sandbox, self.kills, self.stops = sandbox, kills, stops
        self.orphans = []  # pidfds of commands whose guard was killed, and when to kill them
        self.paused = threading.Event()
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
        except Exception as error:  # any failure is a problem to report
            self.sandbox.problem("torture", f"{work.__name__}: {error!r}")

    def kill(self):
        choose = chooser(self.sandbox.settings, self.sandbox.name, "kill")
        pause_at = time.monotonic() + FAULT_SECONDS
        while not self.sandbox.ended.wait(choose.uniform(*KILL_PAUSE)):
            self.kill_orphans()
            if time.monotonic() > pause_at:
                self.pause_faults()
                pause_at = time.monotonic() + FAULT_SECONDS
            kind = choose.choices(self.kills, [KILLS[each] for each in self.kills])[0]
            with self.victim(choose, {"term": ("guard", "waiter")}.get(kind, (kind,))) as found:
                if found:
                    self.apply(choose, kind, *found)
        self.kill_orphans(at_once=True)

    def pause_faults(self):
        """Lets all current runs end without faults.

        The watchdog notices when no process gets in at all. If so many others get in that each current run must
        have had its turn, and one has not, then that run was forgotten.
        """
        self.paused.set()
        sandbox, began, entries = self.sandbox, time.monotonic(), len(self.sandbox.entries)
        runs = list(sandbox.live.values())
        while any(run.code is None for run in runs) and not sandbox.ended.wait(0.02):
            passed = len(sandbox.entries) - entries
            if time.monotonic() > began + WEDGE_SECONDS and passed > MANY_TURNS * len(runs):
                stuck = [run.number for run in runs if run.code is None]
                watchdog.report_wedge(sandbox, f"{passed} others got in without faults, but not the runs {stuck}")
                return
        sandbox.counts["pauses"] += not sandbox.ended.is_set()
        self.paused.clear()

    @contextlib.contextmanager
    def victim(self, choose, roles):
        """Yields a process with one of these roles, its run, and all processes of that run."""
        roles = [{"tree": "guard", "group": "command"}.get(role, role) for role in roles]
        runs = list(self.sandbox.live.values())
        choose.shuffle(runs)
        for run in runs:
            with processes.tree(run.pid, self.sandbox.folder) as tree:
                fitting = [process for process in tree if process.role in roles]
                if fitting:
                    yield run, choose.choice(fitting), tree
                    return
        yield None

    def apply(self, choose, kind, run, process, tree):
        run.faults.add("term" if kind == "term" else "kill")
        self.sandbox.counts["lokt processes killed"] += self.lokt_processes(kind, run, process, tree)
        if kind == "term":
            hit = process.send(signal.SIGTERM)
        elif kind in ("tree", "group"):
            hit = self.kill_groups(choose, kind, process, tree)
        else:
            hit = process.send(signal.SIGKILL)
        if kind == "guard" and "command" in self.kills:
            self.remember_orphans(choose, process, tree)
        self.sandbox.kills[kind] += bool(hit)

    def lokt_processes(self, kind, run, process, tree):
        """Counts the lokt processes that a fault kills. When the first process of a namespace dies, all in it die."""
        victims = {
            "tree": tree,
            "group": [each for each in tree if each.group == process.group],
            "term": [],
        }.get(kind, [process])
        in_namespace = run.condition in ("namespace", "init") and kind != "term"
        victims = tree if in_namespace else victims
        return sum(each.role in ("guard", "waiter") for each in victims)

    def kill_groups(self, choose, kind, process, tree):
        """Kills whole process groups at once: that of the command, or all groups in any order."""
        groups = {process.group} if kind == "group" else {each.group for each in tree}
        groups = sorted(groups)
        choose.shuffle(groups)
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        return True

    def remember_orphans(self, choose, guard, tree):
        """Marks some of the commands that have lost their guard, to kill them a little later."""
        for process in tree:
            is_command = process.parent == guard.pid and process.role != "observer"
            if is_command and choose.random() < 0.5:
                self.orphans.append((time.monotonic() + choose.uniform(0, 0.06), os.dup(process.pidfd)))

    def kill_orphans(self, at_once=False):
        waiting, self.orphans = self.orphans, []
        for due, pidfd in waiting:
            if due > time.monotonic() and not at_once:
                self.orphans.append((due, pidfd))
                continue
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                self.sandbox.kills["orphan"] += 1
            os.close(pidfd)

    def stop(self):
        """Stops one process at a time, for longer than the --ttl that its guard has announced."""
        choose = chooser(self.sandbox.settings, self.sandbox.name, "stop")
        while not self.sandbox.ended.wait(choose.uniform(*STOP_PAUSE)):
            if self.paused.is_set():
                continue
            kind = choose.choices(self.stops, [STOPS[each] for each in self.stops])[0]
            with self.victim(choose, (kind,)) as found:
                if not found:
                    continue
                run, process, _ = found
                run.faults.add("stop")
                if process.send(signal.SIGSTOP):
                    seconds = min(LONGEST_STOP, max(0.1, choose.uniform(1.5, 4) * run.ttl))
                    self.sandbox.stops[kind] += 1
                    self.sandbox.counts["stops beyond ttl"] += 0 < run.ttl < seconds
                    self.sandbox.ended.wait(seconds)
                    process.send(signal.SIGCONT)
