"""The printed report."""
import os
import platform
from collections import Counter

SHOWN = 5  # problems of one kind that are printed in full


def headline(options):
    return (
        f"torture of {options.binary}: {options.seconds:g} s, {options.workers} workers each, seed {options.seed}, "
        f"Linux {platform.release()}, {os.cpu_count()} processors"
    )


def tally(counter):
    return " ".join(f"{key} {count}" for key, count in sorted(counter.items())) or "none"


def codes(counter):
    return " ".join(f"{code}×{count}" for code, count in sorted(counter.items()))


def show(scenarios):
    """Prints the results of every scenario, and the verdict. Returns true if there is no problem."""
    for scenario in scenarios:
        show_scenario(scenario)
    sandboxes = [scenario.sandbox for scenario in scenarios]
    problems = Counter(kind for sandbox in sandboxes for kind, _ in sandbox.problems)
    sums = {
        "entries": sum(len(sandbox.entries) for sandbox in sandboxes),
        "kills": sum(sum(sandbox.kills.values()) for sandbox in sandboxes),
        "stops": sum(sum(sandbox.stops.values()) for sandbox in sandboxes),
        "violations": problems.pop("violation", 0),
        "wedges": problems.pop("wedge", 0),
    }
    text = ", ".join(f"{count} {what}" for what, count in sums.items())
    others = "".join(f", {kind}: {count}" for kind, count in sorted(problems.items()))
    ok = not any(sandbox.problems for sandbox in sandboxes)
    print(f"verdict: {'ok' if ok else 'FAILED'}: {text}{others}")
    return ok


def show_scenario(scenario):
    sandbox = scenario.sandbox
    results = scenario.results()
    if sandbox.max_concurrency < scenario.min_concurrency:
        text = f"{sandbox.max_concurrency} inside at the same time, {scenario.min_concurrency} needed"
        sandbox.problem("proves nothing", text)
    kinds = Counter(kind for kind, _ in sandbox.problems)
    print(f"{scenario.name}: {len(sandbox.entries)} entries, at most {sandbox.max_concurrency} at the same time")
    print(f"  kills       {tally(sandbox.kills)}")
    print(f"  stops       {tally(sandbox.stops)}; beyond the ttl {sandbox.counts['stops beyond ttl']}")
    print(f"  runs        {tally(sandbox.conditions)}; pauses {sandbox.counts['pauses']}")
    print(f"  orphaned    {sandbox.counts['O']} commands that stayed, {sandbox.counts['H']} with a successor")
    print(f"  exit codes  {codes(sandbox.codes)}")
    for key in results:
        print(f"  {key}  {sandbox.counts[key]}")
    print(f"  audit log   {sandbox.counts['acquisitions']} acquisitions, {sandbox.counts['stale breaks']} stale "
          f"breaks, {sandbox.counts['changes not logged']} changes not logged")
    print(f"  violations  {kinds['violation']}; wedges {kinds['wedge']}")
    if kinds:
        print(f"  problems: {', '.join(f'{kind} {count}' for kind, count in sorted(kinds.items()))}")
    for kind in sorted(kinds):
        texts = [text for found, text in sandbox.problems if found == kind]
        for text in texts[:SHOWN]:
            print(f"  {kind}: {text}")
        if len(texts) > SHOWN:
            print(f"  {kind}: and {len(texts) - SHOWN} more")
