"""The queue of a lock, read from its tickets, and a holder that releases its lock on request."""
import time
from subprocess import PIPE

TIMEOUT = 20  # seconds


def tickets(sandbox, name, state):
    """Returns the acquisitions that wait (w) or hold (h), in the order of their numbers."""
    folder = sandbox.root / "queue" / name
    parts = [path.name.split("-") for path in folder.glob(f"[0-9]*-*-{state}*")]
    return [lock_id for _, lock_id, _ in sorted(parts)]


def new_tickets(sandbox, name, state, before):
    """Returns the tickets that are not in an earlier list.

    Counts do not show this: a killed process may have left a ticket, which the next guard removes.
    """
    return set(tickets(sandbox, name, state)) - set(before)


def wait_for(what, condition, timeout=TIMEOUT):
    """Waits until a condition holds; fails after the timeout."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"did not happen within {timeout} s: {what}")
        time.sleep(0.001)


class Holder:
    """A guard that holds a lock, or waits for it, until it is released."""

    def __init__(self, sandbox, name, *flags, command=("cat",), expected=(0,), state="h"):
        self.sandbox = sandbox
        before = tickets(sandbox, name, state)
        words = sandbox.wrap("plain", ["guard", *flags, "--wait", name, "--", *command])
        self.run = sandbox.start(words, expected, next(sandbox.numbers), stdin=PIPE)
        self.input = self.run.process.stdin
        wait_for(f"a ticket in state {state}", lambda: new_tickets(sandbox, name, state, before))

    def release(self):
        self.input.close()

    def finish(self):
        return self.sandbox.finish(self.run)
