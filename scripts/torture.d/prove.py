"""Proves that the torture can fail: it is run with locks that are broken in known ways, and must find each.

A check that has never failed says nothing. What is broken here is broken from outside, by a program that
stands in lokt's place and runs the real one wrongly; see broken.py.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# What is broken, where that must be found, and as what.
BREAKS = [
    ("own_root", ["exclusive", "shared", "slots", "several", "nested", "mixed", "swift"], "violation"),
    ("closed_ticket", ["exclusive", "shared", "slots"], "violation"),
    ("one_slot_more", ["slots"], "violation"),
    ("all_share", ["exclusive", "shared"], "violation"),
    ("first_name_only", ["several"], "violation"),
    ("forced", ["exclusive", "mixed"], "violation"),
    ("blind_to_circles", ["nested"], "wedge"),
    ("never_wakes", ["exclusive"], "wedge"),
    ("disorder", ["fairness"], "overtake"),
]


def prove(given):
    """Breaks the lock in every way; 0 if each was found where it had to be."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="lokt-torture-") as folder:
        for kind, scenarios, problem in BREAKS:
            binary = Path(folder) / kind
            binary.write_text(source(kind, given.binary))
            binary.chmod(0o755)
            found = run(given, binary, scenarios, problem)
            for scenario in scenarios:
                count = found.get((scenario, problem), 0)
                missed += count == 0
                print(f"{kind:17} {scenario:10} {problem}: {count or 'NOT FOUND'}", flush=True)
    print(f"verdict: {'FAILED' if missed else 'ok'}: {missed} breaks were not found")
    return 1 if missed else 0


def source(kind, binary):
    path = str(HERE / "broken.py")
    return (
        f"#!{sys.executable} -ISB\nKIND, LOKT = {kind!r}, {str(binary)!r}\n"
        f"exec(compile(open({path!r}).read(), {path!r}, 'exec'))\n"
    )


def run(given, binary, scenarios, problem):
    """Tortures a broken lock until it is found in all scenarios, and counts what was, by scenario and kind."""
    words = [sys.executable, str(HERE.parent / "torture"), "--binary", str(binary)]
    words += ["--until", problem, "--seconds", str(given.seconds), "--seed", given.seed]
    words += ["--workers", str(given.workers)]
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
