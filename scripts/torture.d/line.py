"""The line of a lock, as its tickets show it, and a holder that lets go when it is told to."""
import time
from subprocess import PIPE

PATIENCE = 20


def tickets(ground, name, state):
    """The acquisitions that wait (w) or are in (h), in the order of their numbers."""
    folder = ground.root / "queue" / name
    parts = [path.name.split("-") for path in folder.glob(f"[0-9]*-*-{state}*")]
    return [lock_id for _, lock_id, _ in sorted(parts)]


def wait_for(what, condition, patience=PATIENCE):
    """Waits until something is so."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not so after {patience} s: {what}")
        time.sleep(0.001)


class Holder:
    """A guard that is in, or waits to be, and stays in until it is let go."""

    def __init__(self, ground, name, *flags, command=("cat",), expected=(0,), state="h"):
        self.ground = ground
        before = len(tickets(ground, name, state))
        words = ground.dress("plain", ["guard", *flags, "--wait", name, "--", *command])
        self.run = ground.start(words, expected, next(ground.numbers), stdin=PIPE)
        self.input = self.run.process.stdin
        wait_for(f"a ticket in state {state}", lambda: len(tickets(ground, name, state)) > before)

    def let_go(self):
        self.input.close()

    def finish(self):
        return self.ground.finish(self.run)
