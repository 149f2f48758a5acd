"""Sends every signal to a program that counts them below a launcher, and prints what was counted.

usage: table.py WAY OBSERVERS LAUNCHER...

WAY is group, where the signal is sent to the process group, or alone, where only the first process of the launcher gets
it. OBSERVERS is how many guards are to be ready.
"""
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

WAY, OBSERVERS, LAUNCHER = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
COUNTER = Path(__file__).with_name("counter.py")
PATIENCE = 10  # seconds, for what must come
# Those that cannot be held back, and the C library's own.
OUTSIDE = {signal.SIGKILL, signal.SIGSTOP, 32, 33}


class Session:
    """A launcher with the counter below it, in a session and a group of their own."""

    def __init__(self, marker):
        self.marker = marker
        words = [*LAUNCHER, sys.executable, "-S", str(COUNTER), str(marker)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
        self.pid, self.rest = self.process.pid, b""
        self.await_line("in")
        while self.observers() < OBSERVERS:
            time.sleep(0.001)

    def observers(self):
        """How many processes of this session observe its group."""
        count = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, fields = path.read_text().rsplit(")", 1)
            except OSError:
                continue
            count += name.endswith("(group-observer") and fields.split()[3] == str(self.pid)
        return count

    def await_line(self, start):
        end = time.monotonic() + PATIENCE
        while True:
            line, found, rest = self.rest.partition(b"\n")
            if found:
                self.rest = rest
                if line.startswith(start.encode()):
                    return line.decode()
            elif not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                return ""
            else:
                self.rest += os.read(self.process.stdout.fileno(), 4096)

    def count(self, number):
        """How often the signal comes to the counter, when it is sent once."""
        self.send(number, WAY == "group")
        self.await_line("got")
        # What guards pass on, they pass on one after the other: before this one, everything else has come. flock(1) and
        # its like pass nothing on.
        self.send(self.marker, WAY == "group" and not OBSERVERS)
        return self.await_line("counts")

    def send(self, number, to_group):
        (os.killpg if to_group else os.kill)(self.pid, number)

    def end(self):
        os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


def count_all(marker, numbers):
    session = Session(marker)
    for number in numbers:
        print(number, session.count(number), flush=True)
    session.end()


count_all(signal.SIGUSR2, sorted(set(range(1, 65)) - OUTSIDE - {signal.SIGUSR2}))
count_all(signal.SIGUSR1, [int(signal.SIGUSR2)])
