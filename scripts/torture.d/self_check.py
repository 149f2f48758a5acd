"""Proves that the torture test can fail: runs it with locks that are broken in known ways. It must find each fault.

A check that has never failed proves nothing. The faults are made from outside, by a program that replaces lokt
and runs the real one wrongly; see broken.py.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# The fault, the scenarios that must find it, and the kind of problem that they must report.
FAULTS = [
    ("separate_roots", ["exclusive", "shared", "slots", "several", "nested", "mixed", "handoff"], "violation"),
    ("closed_ticket", ["exclusive", "shared", "slots"], "violation"),
    ("one_slot_more", ["slots"], "violation"),
    ("all_share", ["exclusive", "shared"], "violation"),
    ("first_name_only", ["several"], "violation"),
    ("force_unlocked", ["exclusive", "mixed"], "violation"),
    ("forgets_outer_locks", ["nested"], "wedge"),
    ("never_renews", ["old-reader"], "violation"),
    ("never_wakes", ["exclusive"], "wedge"),
    ("reordered_queue", ["fairness"], "overtake"),
]


def check(options):
    """Breaks the lock in every way. Returns 0 if each scenario found each of its faults, and 1 otherwise."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="lokt-torture-") as folder:
        for kind, scenarios, problem in FAULTS:
            binary = Path(folder) / kind
            binary.write_text(source(kind, options.binary))
            binary.chmod(0o755)
            found = run(options, binary, scenarios, problem)
            for scenario in scenarios:
                count = found.get((scenario, problem), 0)
                missed += count == 0
                print(f"{kind:19} {scenario:10} {problem}: {count or 'NOT FOUND'}", flush=True)
    print(f"verdict: {'FAILED' if missed else 'ok'}: {missed} faults were not found")
    return 1 if missed else 0


def source(kind, binary):
    path = str(HERE / "broken.py")
    return (
        f"#!{sys.executable} -ISB\nKIND, LOKT = {kind!r}, {str(binary)!r}\n"
        f"exec(compile(open({path!r}).read(), {path!r}, 'exec'))\n"
    )


def run(options, binary, scenarios, problem):
    """Tests a broken lock until all scenarios have found it. Returns the counts of problems by scenario and kind."""
    words = [sys.executable, str(HERE.parent / "torture"), "--binary", str(binary)]
    words += ["--until", problem, "--seconds", str(options.seconds), "--seed", options.seed]
    words += ["--workers", str(options.workers)]
    words += [f"--only={scenario}" for scenario in scenarios]
    output = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False).stdout
    found, scenario = {}, ""
    for line in output.splitlines():
        name, _, rest = line.partition(":")
        if name in scenarios:
            scenario = name
        elif name == "  problems":
            for kind, _, count in (each.rpartition(" ") for each in rest.split(",")):
                found[scenario, kind.strip()] = int(count)
    return found
