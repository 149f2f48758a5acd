"""A lokt that is broken in one way, to prove that the torture test finds the fault. It runs through a file that
self_check.py writes, which sets the fault (KIND) and the path of the real lokt (LOKT).
"""
import os
import random
import signal
import subprocess
import sys
import time

WORDS = sys.argv[1:]


def run(words, **environment):
    os.execve(LOKT, [LOKT, *words], {**os.environ, **environment})


def names_of():
    """Returns the names in the arguments of a guard."""
    names, words = [], iter(WORDS[1 : WORDS.index("--")])
    for word in words:
        if word in ("--ttl", "--timeout", "--slots"):
            next(words)
        elif not word.startswith("--"):
            names.append(word)
    return names


def with_command(line, words):
    """Returns the arguments of a guard whose command first runs a line of Python."""
    dashes = words.index("--") + 1
    line = f"import os, sys; {line}; os.execvp(sys.argv[1], sys.argv[1:])"
    return [*words[:dashes], sys.executable, "-ISB", "-c", line, *words[dashes:]]


def separate_roots():
    """Every process has a separate root, so no process excludes another."""
    run(WORDS, LOKT_ROOT=f"{os.environ['LOKT_ROOT']}/{os.getpid()}")


def closed_ticket():
    """The command closes the ticket, so the lock is free as soon as its guard is killed."""
    run(with_command("os.closerange(100, 200)", WORDS))


def one_slot_more():
    at = WORDS.index("--slots") + 1
    run([*WORDS[:at], str(int(WORDS[at]) + 1), *WORDS[at + 1 :]])


def all_share():
    run(["guard", "--shared", *(word for word in WORDS[1:] if word != "--shared")])


def first_name_only():
    """Of several names only the first is locked; the command is told that it holds all of them."""
    names = names_of()
    announce = f"os.environ.update(LOKT_NAME={','.join(names)!r})"
    for key in ("LOKT_LOCK_ID", "LOKT_FENCE"):
        announce += f"; os.environ[{key!r}] = ','.join([os.environ[{key!r}]] * {len(names)})"
    dashes = WORDS.index("--")
    kept = [word for word in WORDS[:dashes] if word not in names[1:]]
    run(with_command(announce, [*kept, *WORDS[dashes:]]))


def forgets_outer_locks():
    """A guard does not know the locks that its outer guards hold."""
    run(WORDS, LOKT_HELD="")


def reordered_queue():
    """Sometimes a holder deletes a waiter's ticket, and the waiter then queues at the end."""
    line = "import random; folder = os.environ['LOKT_ROOT'] + '/queue/' + os.environ['LOKT_NAME']; "
    line += "waiting = [name for name in os.listdir(folder) if '-w' in name]; "
    line += "random.random() < 0.2 and waiting and os.unlink(folder + '/' + random.choice(waiting))"
    run(with_command(line, WORDS))


def force_unlocked():
    """Sometimes a lock is unlocked by force, and the guards only warn."""
    if random.random() < 0.2:
        words = [LOKT, "unlock", "--force", names_of()[0]]
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    run(["guard", "--on-lost", "warn", *WORDS[1:]])


def never_renews():
    """A guard is stopped for longer than its announced lifetime while its command runs, so it cannot renew."""
    line = "import signal, time; guard = os.getppid(); "
    line += "os.fork() or (os.kill(guard, signal.SIGSTOP), time.sleep(5), os.kill(guard, signal.SIGCONT), os._exit(0))"
    run(with_command(line, WORDS))


def never_wakes():
    """Sometimes a waiter sleeps without end."""
    child = subprocess.Popen([LOKT, *WORDS])
    if random.random() < 0.1:
        time.sleep(0.05)
        child.send_signal(signal.SIGSTOP)
    sys.exit(child.wait())


if WORDS[0] != "guard":
    run(WORDS)
globals()[KIND]()
