"""Prints all that a program starts with, apart from its words and its variables, a line each."""
import ctypes
import os
import resource
import signal
from pathlib import Path

LOWEST_TICKET = 100  # Tickets are above that.
libc = ctypes.CDLL(None)


def control(option):
    """What prctl(2) stores in the place that it is given."""
    value = ctypes.c_int()
    libc.prctl(option, ctypes.byref(value))
    return value.value


def descriptors():
    for number in sorted(int(name) for name in os.listdir("/proc/self/fd")):
        path = Path(f"/proc/self/fd/{number}")
        # The folder that was listed is open no more.
        if path.is_symlink() and number < LOWEST_TICKET:
            details = Path(f"/proc/self/fdinfo/{number}").read_text().split()[3]
            # Pipes have numbers, which are others in each run.
            yield number, os.readlink(path).split(":[")[0], details


def show(name, value):
    print(name, value)


status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
for name in "Umask Uid Gid Groups SigPnd ShdPnd SigBlk CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp".split():
    show(name, status[name].strip())
for name in "limits oom_score_adj timerslack_ns personality coredump_filter cgroup".split():
    show(name, Path(f"/proc/self/{name}").read_text())
for name in sorted(os.listdir("/proc/self/ns")):
    show(name, os.readlink(f"/proc/self/ns/{name}"))
stat = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
show("group, session, terminal, its foreground group, nice", [stat[at] for at in (2, 3, 4, 5, 16)])
show("folder", os.getcwd())
show("signal at the parent's death, subreaper", [control(2), control(37)])
show("dumpable, kept capabilities, securebits", [libc.prctl(option) for option in (3, 7, 27)])
show("scheduling", [os.sched_getscheduler(0), sorted(os.sched_getaffinity(0)), libc.syscall(252, 1, 0)])
show("timers", [signal.getitimer(which) for which in range(3)])
show("processor time at most", resource.getrlimit(resource.RLIMIT_CPU))
for descriptor in descriptors():
    show("descriptor", descriptor)
