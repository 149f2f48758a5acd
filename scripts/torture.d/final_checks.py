"""The checks at the end: nothing may be left that the next command does not repair."""
import json
import time

import processes
from audit import Audit
from queue_state import wait_for

AT_ONCE = 3  # seconds, on a busy machine


def check(scenario):
    """Locks every name once more, and checks the state that commands then show."""
    sandbox = scenario.sandbox
    scenario.end()
    wait_until_gone(sandbox)
    scenario.check_afterwards()
    for name in scenario.names:
        check_lock_is_free(sandbox, name)
    expect(sandbox, ["status", "--json"], lambda found: found == [])
    expect(sandbox, ["doctor", "--json"], has_no_fail)
    tickets = [str(path) for path in (sandbox.root / "queue").glob("*/*-*")]
    tickets += [str(path) for path in (sandbox.root / "nested").glob("*")]
    if tickets:
        sandbox.problem("left over", f"tickets: {tickets}")
    sandbox.read_log()
    Audit(sandbox).check()


def wait_until_gone(sandbox):
    """Waits until the commands whose guard was killed have ended."""

    def is_empty():
        left = processes.ours(sandbox.folder)
        for process in left:
            process.close()
        return not left

    try:
        wait_for("all processes have ended", is_empty)
    except TimeoutError as error:
        sandbox.problem("left over", str(error))


def has_no_fail(found):
    return all(check["status"] != "fail" for check in found["checks"])


def check_lock_is_free(sandbox, name):
    began = time.monotonic()
    done = sandbox.lokt("guard", name, "--", "true")
    seconds = time.monotonic() - began
    if done.returncode != 0 or seconds > AT_ONCE:
        text = f"a new guard of {name}: {done.returncode} after {seconds:.1f} s: {done.stderr}"
        sandbox.problem("left over", text)


def expect(sandbox, words, is_right):
    done = sandbox.lokt(*words)
    try:
        right = done.returncode == 0 and is_right(json.loads(done.stdout))
    except ValueError:
        right = False
    if not right:
        sandbox.problem("left over", f"{words}: {done.returncode}: {done.stdout}{done.stderr}")
