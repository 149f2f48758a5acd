"""The scenario of fast hand-overs: the lock passes on as fast as a shell can run, without a pause.

In the other scenarios, most of the time of an entry is the start of Python. Here shells repeat guards of a few
builtins, so there are many times as many hand-overs, and they take most of the time.

The oracle is a file. A writer creates it exclusively (noclobber, O_EXCL) and removes it at the end; readers check
at their start and end that it does not exist. The file would outlive a killed command, so here faults kill only
guards and waiters. A command whose guard was killed runs to its end.
"""
from scenarios import Scenario

REPEATS = 10
# Repeats the guard in "$@". An unexpected exit code ends the loop; 137 is a guard that was killed.
REPEAT = f"""i=0
while [ $i -lt {REPEATS} ]; do
    "$@"
    code=$?
    case $code in 0 | 99 | 137) ;; *) exit $code ;; esac
    i=$((i + 1))
done"""
LOG = 'echo "$1 $RUN $2 x $LOKT_LOCK_ID $LOKT_FENCE 1 0" >> oracle.log'
WRITER = f"""log() {{ {LOG}; }}
set -C
{{ : > in; }} 2> /dev/null || {{ log V exclusive; exit 99; }}
log E exclusive
exec rm in"""
READER = f"""log() {{ {LOG}; }}
[ ! -e in ] || {{ log V shared; exit 99; }}
log E shared
[ ! -e in ] || {{ log V shared; exit 99; }}"""


class Handoff(Scenario):
    """Readers and writers of one name, as many as the machine can start."""

    name = "handoff"
    conditions = ("clock",)
    kills = ("guard", "waiter")
    stops = ("guard", "waiter")

    def step(self, choose, _worker):
        sandbox = self.sandbox
        number = next(sandbox.numbers)
        condition = sandbox.choose_condition(choose, self.conditions)
        flags, script = choose.choice([([], WRITER), ([], WRITER), (["--shared"], READER)])
        if choose.random() < 0.3:
            flags = [*flags, "--ttl", "200ms"]
        command = ["sh", "-c", script]
        guard = sandbox.wrap(condition, ["guard", "--wait", *flags, *self.names, "--", *command])
        words = ["env", f"RUN={number}", "sh", "-c", REPEAT, "sh", *guard]
        run = sandbox.start(words, {0}, number, condition, cwd=sandbox.folder)
        sandbox.finish(run)
