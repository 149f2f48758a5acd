"""What is printed."""
import os
import platform
from collections import Counter

SHOWN = 5  # problems of one kind, in full


def headline(given):
    return (
        f"torture of {given.binary}: {given.seconds:g} s, {given.workers} workers each, seed {given.seed}, "
        f"Linux {platform.release()}, {os.cpu_count()} processors"
    )


def tally(counter):
    return " ".join(f"{key} {count}" for key, count in sorted(counter.items())) or "none"


def codes(counter):
    return " ".join(f"{code}×{count}" for code, count in sorted(counter.items()))


def show(scenarios):
    """Prints what happened in every scenario, and the verdict; true if all is well."""
    for scenario in scenarios:
        show_scenario(scenario)
    grounds = [scenario.ground for scenario in scenarios]
    problems = Counter(kind for ground in grounds for kind, _ in ground.problems)
    sums = {
        "entries": sum(len(ground.entries) for ground in grounds),
        "kills": sum(sum(ground.kills.values()) for ground in grounds),
        "stops": sum(sum(ground.stops.values()) for ground in grounds),
        "violations": problems.pop("violation", 0),
        "wedges": problems.pop("wedge", 0),
    }
    text = ", ".join(f"{count} {what}" for what, count in sums.items())
    others = "".join(f", {kind}: {count}" for kind, count in sorted(problems.items()))
    ok = not any(ground.problems for ground in grounds)
    print(f"verdict: {'ok' if ok else 'FAILED'}: {text}{others}")
    return ok


def show_scenario(scenario):
    ground = scenario.ground
    results = scenario.results()
    if ground.most < scenario.must_reach:
        text = f"{ground.most} inside at the same time, {scenario.must_reach} were to be reached"
        ground.problem("proves nothing", text)
    kinds = Counter(kind for kind, _ in ground.problems)
    print(f"{scenario.name}: {len(ground.entries)} entries, at most {ground.most} at the same time")
    print(f"  kills       {tally(ground.kills)}")
    print(f"  stops       {tally(ground.stops)}; beyond the ttl {ground.counts['stops beyond ttl']}")
    print(f"  runs        {tally(ground.ways)}; calms {ground.counts['calms']}")
    print(f"  orphaned    {ground.counts['O']} commands that stayed, {ground.counts['H']} that left an heir")
    print(f"  exit codes  {codes(ground.codes)}")
    for key in results:
        print(f"  {key}  {ground.counts[key]}")
    print(f"  audit log   {ground.counts['acquisitions']} acquisitions, {ground.counts['stale breaks']} stale "
          f"breaks, {ground.counts['changes not logged']} changes not logged")
    print(f"  violations  {kinds['violation']}; wedges {kinds['wedge']}")
    if kinds:
        print(f"  problems: {', '.join(f'{kind} {count}' for kind, count in sorted(kinds.items()))}")
    for kind in sorted(kinds):
        texts = [text for found, text in ground.problems if found == kind]
        for text in texts[:SHOWN]:
            print(f"  {kind}: {text}")
        if len(texts) > SHOWN:
            print(f"  {kind}: and {len(texts) - SHOWN} more")
