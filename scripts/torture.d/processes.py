"""The processes that the torture started: finding them, telling what they are, and signals to them.

A process counts as ours only if its environment names a root below our own folder. No signal is sent to
a bare number: a pidfd is opened first, and what it stands for is looked at after that.
"""
import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

INSIDE = Path(__file__).with_name("inside")
# The interpreter itself, without whatever a version manager puts before it, and with as little as possible
# to load: the command starts anew for every entry.
COMMAND = [sys.executable, "-I", "-S", "-B", str(INSIDE)]
WRAPPERS = ("unshare", "sh", "sleep", "env")


@dataclass
class Process:
    """One of our processes, as it was a moment ago."""

    pid: int
    parent: int
    group: int
    words: list
    pidfd: int
    role: str = ""

    def send(self, number):
        """Sends a signal; false where the process is gone."""
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
    """The process of this number, if it is ours and runs; the caller closes it."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        if f"\0LOKT_ROOT={folder}/".encode() in b"\0" + read(pid, "environ"):
            # The name in brackets may contain anything; behind it come state, parent and group.
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
    """All processes from one downwards, with their roles."""
    found = []
    try:
        pids = [pid]
        for each in pids:
            process = examine(each, folder)
            if process is not None:
                found.append(process)
                pids += children(each)
        give_roles(found)
        yield found
    finally:
        for process in found:
            process.close()


def give_roles(found):
    """Tells guards that are in from those that wait, by whether they have a command."""
    roles = {}
    for process in found:
        process.role = roles[process.pid] = role_of(process, roles.get(process.parent))
    parents = {process.parent for process in found}
    for process in found:
        if process.role == "waiter" and process.pid in parents:
            process.role = "guard"


def role_of(process, above):
    if os.path.basename(process.words[0]) in WRAPPERS:
        return "wrapper"
    if above == "waiter":
        # Between fork and exec, the command still looks like its guard.
        return "command"
    before_dashes = process.words[: (process.words + ["--"]).index("--")]
    return "command" if str(INSIDE) in before_dashes else "waiter"


def ours(folder):
    """All processes that belong to a folder."""
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [process for pid in pids if (process := examine(pid, folder)) is not None]


def kill_all(folder, patience=10):
    """Ends all processes that belong to a folder, and gives how many did not end."""
    end = time.monotonic() + patience
    while True:
        left = ours(folder)
        for process in left:
            process.send(signal.SIGKILL)
            process.close()
        if not left or time.monotonic() > end:
            return len(left)
        time.sleep(0.05)
