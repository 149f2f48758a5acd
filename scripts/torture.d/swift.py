"""The scenario of speed: the lock passes from hand to hand as fast as a shell can run, without a pause.

Starting Python takes most of the time of an entry elsewhere. Here shells repeat guards of a few builtins, so
a lock changes hands many times as often, and the moments in which it does so make up most of the time.

The oracle is a file that a writer creates so that it never replaces one (noclobber, O_EXCL), and removes
in the end; readers look that it is not there when they come and when they go. It would outlive a killed
command, so no command is killed here: guards, those who wait, and no others. What a guard's command does
when its guard is killed, it does to the end.
"""
from scenarios import Scenario

REPEATS = 10
# Repeats the guard in "$@". A code that nothing explains ends it; 137 is a guard that was killed.
REPEAT = f"""i=0
while [ $i -lt {REPEATS} ]; do
    "$@"
    code=$?
    case $code in 0 | 99 | 137) ;; *) exit $code ;; esac
    i=$((i + 1))
done"""
SAY = 'echo "$1 $RUN $2 x $LOKT_LOCK_ID $LOKT_FENCE 1 0" >> inside.log'
WRITER = f"""say() {{ {SAY}; }}
set -C
{{ : > in; }} 2> /dev/null || {{ say V exclusive; exit 99; }}
say E exclusive
exec rm in"""
READER = f"""say() {{ {SAY}; }}
[ ! -e in ] || {{ say V shared; exit 99; }}
say E shared
[ ! -e in ] || {{ say V shared; exit 99; }}"""


class Swift(Scenario):
    """Readers and writers of one name, as many as the machine can start."""

    name = "swift"
    ways = ("clock",)
    kills = ("guard", "waiter")
    stops = ("guard", "waiter")

    def turn(self, choose, _worker):
        ground = self.ground
        number = next(ground.numbers)
        way = ground.some_way(choose, self.ways)
        flags, script = choose.choice([([], WRITER), ([], WRITER), (["--shared"], READER)])
        if choose.random() < 0.3:
            flags = [*flags, "--ttl", "200ms"]
        command = ["sh", "-c", script]
        guard = ground.dress(way, ["guard", "--wait", *flags, *self.names, "--", *command])
        words = ["env", f"RUN={number}", "sh", "-c", REPEAT, "sh", *guard]
        run = ground.start(words, {0}, number, way, cwd=ground.folder)
        ground.finish(run)
