"""The processes that the torture test started: finding them, their roles, and signals to them.

A process counts as ours only if its environment names a root below our folder. No signal is sent to a bare pid: a
pidfd is opened first, and the process is examined after that.
"""
import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ORACLE = Path(__file__).with_name("oracle")
# The interpreter itself, without the wrapper of a version manager, and with as little as possible to load, because
# every entry starts the command once.
COMMAND = [sys.executable, "-I", "-S", "-B", str(ORACLE)]
WRAPPERS = ("unshare", "sh", "bash", "setsid", "sleep", "env")
OBSERVER = "group-observer of "  # What a guard's helper calls itself. It is not the command.


@dataclass
class Process:
    """A snapshot of one of our processes."""

    pid: int
    parent: int
    group: int
    words: list
    pidfd: int
    role: str = ""

    def send(self, number):
        """Sends a signal. Returns false if the process is gone."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return False
        return True

    def close(self):
        os.close(self.pidfd)


def read(pid, name):
    return Path(f"/proc/{pid}/{name}").read_bytes()


def examine(pid, folder):
    """Returns the process with this pid, if it is ours and runs. The caller closes it."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        if f"\0LOKT_ROOT={folder}/".encode() in b"\0" + read(pid, "environ"):
            # The name in brackets may contain anything; after it come state, parent and group.
            state, parent, group = read(pid, "stat").rpartition(b")")[2].split()[:3]
            words = read(pid, "cmdline").decode(errors="replace").split("\0")
            if state not in b"ZX":
                return Process(pid, int(parent), int(group), words, pidfd)
    except OSError:
        pass
    os.close(pidfd)
    return None


def children(pid):
    try:
        return [int(child) for child in read(pid, f"task/{pid}/children").split()]
    except OSError:
        return []


@contextlib.contextmanager
def tree(pid, folder):
    """Yields the process tree below a pid, with the roles of its processes."""
    found = []
    try:
        pids = [pid]
        for each in pids:
            process = examine(each, folder)
            if process is not None:
                found.append(process)
                pids += children(each)
        assign_roles(found)
        yield found
    finally:
        for process in found:
            process.close()


def assign_roles(found):
    """Assigns roles. A guard that has a command holds its lock; one without waits."""
    roles = {}
    for process in found:
        process.role = roles[process.pid] = role_of(process, roles.get(process.parent))
    parents = {process.parent for process in found}
    for process in found:
        if process.role == "waiter" and process.pid in parents:
            process.role = "guard"


def role_of(process, above):
    if process.words[0].startswith(OBSERVER):
        return "observer"
    if os.path.basename(process.words[0]) in WRAPPERS:
        return "wrapper"
    if above == "waiter":
        # Between fork and exec, the command still looks like its guard.
        return "command"
    before_dashes = process.words[: (process.words + ["--"]).index("--")]
    return "command" if str(ORACLE) in before_dashes else "waiter"


def ours(folder):
    """Returns all processes that belong to a folder."""
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [process for pid in pids if (process := examine(pid, folder)) is not None]


def kill_all(folder, timeout=10):
    """Kills all processes that belong to a folder. Returns the number of those that did not end."""
    end = time.monotonic() + timeout
    while True:
        left = ours(folder)
        for process in left:
            process.send(signal.SIGKILL)
            process.close()
        if not left or time.monotonic() > end:
            return len(left)
        time.sleep(0.05)
