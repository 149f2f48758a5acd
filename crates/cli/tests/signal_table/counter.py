"""Counts the signals that come. Tells of each, and on the one that is called MARKER, how many there were."""
import signal
import sys

marker = int(sys.argv[1])
every = set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}
signal.pthread_sigmask(signal.SIG_BLOCK, every)
counts = {}
print("in", flush=True)
while True:
    number = int(signal.sigwaitinfo(every).si_signo)
    if number == marker:
        print("counts", *(f"{number}:{count}" for number, count in counts.items()), flush=True)
        counts.clear()
    else:
        counts[number] = counts.get(number, 0) + 1
        print("got", number, flush=True)
