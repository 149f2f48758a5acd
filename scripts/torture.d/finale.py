"""What is looked at when all is over: nothing may be left that the next command does not repair."""
import json
import time

import processes
from audit import Audit
from line import wait_for

AT_ONCE = 3  # seconds, on a busy machine


def check(scenario):
    """Takes every lock anew, and looks at what everybody can see then."""
    ground = scenario.ground
    scenario.end()
    wait_until_gone(ground)
    scenario.aftermath()
    for name in scenario.names:
        take_anew(ground, name)
    expect(ground, ["status", "--json"], lambda found: found == [])
    expect(ground, ["doctor", "--json"], has_no_fail)
    tickets = [str(path) for path in (ground.root / "queue").glob("*/*-*")]
    tickets += [str(path) for path in (ground.root / "nested").glob("*")]
    if tickets:
        ground.problem("left over", f"tickets: {tickets}")
    ground.read_log()
    Audit(ground).check()


def wait_until_gone(ground):
    """Commands whose guard was killed end by themselves."""

    def is_empty():
        left = processes.ours(ground.folder)
        for process in left:
            process.close()
        return not left

    try:
        wait_for("all processes have ended", is_empty)
    except TimeoutError as error:
        ground.problem("left over", str(error))


def has_no_fail(found):
    return all(check["status"] != "fail" for check in found["checks"])


def take_anew(ground, name):
    began = time.monotonic()
    done = ground.lokt("guard", name, "--", "true")
    seconds = time.monotonic() - began
    if done.returncode != 0 or seconds > AT_ONCE:
        text = f"a fresh guard of {name}: {done.returncode} after {seconds:.1f} s: {done.stderr}"
        ground.problem("left over", text)


def expect(ground, words, is_right):
    done = ground.lokt(*words)
    try:
        right = done.returncode == 0 and is_right(json.loads(done.stdout))
    except ValueError:
        right = False
    if not right:
        ground.problem("left over", f"{words}: {done.returncode}: {done.stdout}{done.stderr}")
