"""The watchdog: checks that processes still get in, and dumps the state when none does."""
import contextlib
import os
import subprocess
import time

import processes
from sandbox import WEDGE_SECONDS


def watch(scenario):
    """Watches a scenario until all its threads have ended."""
    try:
        poll(scenario)
    except Exception as error:  # any failure is a problem to report
        scenario.sandbox.problem("torture", f"the watchdog: {error!r}")
        scenario.sandbox.settings.abort.set()


def poll(scenario):
    """Reads the oracle's log. Reports a wedge and aborts if there are no new lines for too long."""
    sandbox = scenario.sandbox
    while any(thread.is_alive() for thread in scenario.threads):
        sandbox.read_log()
        quiet = time.monotonic() - sandbox.progress
        if quiet > WEDGE_SECONDS and sandbox.live:
            report_wedge(sandbox, f"no process got in for {quiet:.0f} s")
            return
        if sandbox.settings.abort.wait(0.1):
            return
    sandbox.read_log()


def report_wedge(sandbox, text):
    """Reports a wedge with the state of the scenario, and aborts all scenarios."""
    try:
        text = f"{text}\n{dump(sandbox)}"
    finally:
        sandbox.problem("wedge", text)
        sandbox.settings.abort.set()


def dump(sandbox):
    """Returns everything that may show why no process gets in."""
    parts = [("status", status(sandbox)), ("queue", queues(sandbox)), ("processes", process_list(sandbox))]
    parts.append(("/proc/locks, those in this folder", kernel_locks(sandbox)))
    return "\n".join(f"--- {title}\n{text}" for title, text in parts)


def status(sandbox):
    try:
        done = sandbox.lokt("status", timeout=10)
    except subprocess.TimeoutExpired:
        return "status does not end"
    return done.stdout + done.stderr


def queues(sandbox):
    lines = []
    for path in sorted((sandbox.root / "queue").glob("*/*")):
        lines.append(f"{path.parent.name}/{path.name}")
    return "\n".join(lines)


def kernel_locks(sandbox):
    """Returns the kernel's locks on our files, with file names added."""
    names = {}
    for folder, _, files in os.walk(sandbox.folder):
        for path in (os.path.join(folder, file) for file in files):
            # A ticket may be gone by now.
            with contextlib.suppress(FileNotFoundError):
                names[str(os.lstat(path).st_ino)] = os.path.relpath(path, sandbox.folder)
    lines = []
    with open("/proc/locks", encoding="ascii") as file:
        for line in file:
            inode = [word.rpartition(":")[2] for word in line.split() if word.count(":") == 2]
            if inode and inode[0] in names:
                lines.append(f"{line.strip()} {names[inode[0]]}")
    return "\n".join(lines)


def process_list(sandbox):
    lines = []
    for process in processes.ours(sandbox.folder):
        try:
            stat = processes.read(process.pid, "stat").rpartition(b")")[2].split()
            state, where = stat[0].decode(), processes.read(process.pid, "wchan").decode()
        except OSError:
            state, where = "gone", ""
        lines.append(f"{process.pid} parent {process.parent} {state} {where} {' '.join(process.words)}")
        process.close()
    return "\n".join(lines)
