"""The scenario of limits: some guards must not write files of more than 16 KiB, so after a while they cannot write the
audit log.

A guard that cannot log a change does not make it: it is refused with an error (1), and SIGXFSZ does not kill it. A
guard that got in before still unlocks, and leaves nothing unfinished to the processes that may write.
"""
from scenarios import Request, Scenario


class Limited(Scenario):
    """Exclusive and shared guards of one name, many of them limited."""

    name = "limited"
    conditions = ("limit", "limit", "group", "session")

    def request(self, choose):
        return Request(self.names, choose.choice(["exclusive", "exclusive", "shared"]))

    def results(self):
        return ["lines cut off"]
