"""The watchdog: sees whether somebody still gets in, and tells all there is to tell where nobody does."""
import contextlib
import os
import subprocess
import time

import processes
from ground import WEDGE_SECONDS


def watch(scenario):
    """Watches a scenario until all that was started has ended."""
    try:
        look(scenario)
    except Exception as error:  # whatever it is
        scenario.ground.problem("torture", f"the watchdog: {error!r}")
        scenario.ground.settings.abort.set()


def look(scenario):
    """Reads what the oracle says; tells of a wedge, and ends everything then."""
    ground = scenario.ground
    while any(thread.is_alive() for thread in scenario.threads):
        ground.read_log()
        quiet = time.monotonic() - ground.progress
        if quiet > WEDGE_SECONDS and ground.live:
            wedge(ground, f"nobody got in for {quiet:.0f} s")
            return
        if ground.settings.abort.wait(0.1):
            return
    ground.read_log()


def wedge(ground, text):
    """Tells of a wedge, and ends everything."""
    try:
        text = f"{text}\n{dump(ground)}"
    finally:
        ground.problem("wedge", text)
        ground.settings.abort.set()


def dump(ground):
    """Everything that may tell why nobody gets in."""
    parts = [("status", status(ground)), ("queue", queues(ground)), ("processes", listed(ground))]
    parts.append(("/proc/locks, those in this folder", locks(ground)))
    return "\n".join(f"--- {title}\n{text}" for title, text in parts)


def status(ground):
    try:
        done = ground.lokt("status", patience=10)
    except subprocess.TimeoutExpired:
        return "status does not end"
    return done.stdout + done.stderr


def queues(ground):
    lines = []
    for path in sorted((ground.root / "queue").glob("*/*")):
        lines.append(f"{path.parent.name}/{path.name}")
    return "\n".join(lines)


def locks(ground):
    """The kernel's locks on our files, with the files' names in place of the numbers."""
    names = {}
    for folder, _, files in os.walk(ground.folder):
        for path in (os.path.join(folder, file) for file in files):
            # A ticket may be gone by now.
            with contextlib.suppress(FileNotFoundError):
                names[str(os.lstat(path).st_ino)] = os.path.relpath(path, ground.folder)
    lines = []
    with open("/proc/locks", encoding="ascii") as file:
        for line in file:
            inode = [word.rpartition(":")[2] for word in line.split() if word.count(":") == 2]
            if inode and inode[0] in names:
                lines.append(f"{line.strip()} {names[inode[0]]}")
    return "\n".join(lines)


def listed(ground):
    lines = []
    for process in processes.ours(ground.folder):
        try:
            stat = processes.read(process.pid, "stat").rpartition(b")")[2].split()
            state, where = stat[0].decode(), processes.read(process.pid, "wchan").decode()
        except OSError:
            state, where = "gone", ""
        lines.append(f"{process.pid} parent {process.parent} {state} {where} {' '.join(process.words)}")
        process.close()
    return "\n".join(lines)
