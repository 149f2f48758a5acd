"""What can go wrong, as exceptions with the fields of Lokt's own answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence


class LoktError(Exception):
    """The base of all errors. The text is the one that ``lokt`` prints behind ``error:``."""

    def __init__(self, message: str, fields: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(message)
        #: All fields of the answer.
        self.fields: Mapping[str, Any] = dict(fields or {})

    @property
    def hints(self) -> Sequence[str]:
        """What can be done about it."""
        return tuple(self.fields.get("hints", ()))


@dataclass(frozen=True)
class Holder:
    """What is known of the process that has the lock, or is ahead in the queue. Unknown values are None."""

    owner: Optional[str]
    #: Whether it is the caller of another command: the same owner in the same session.
    mine: Optional[bool]
    host: Optional[str]
    pid: Optional[int]
    agent_id: Optional[str]
    #: What a guard runs.
    command: Optional[Sequence[str]]
    #: Seconds since it has the lock.
    age: Optional[float]
    #: Seconds until a lease ends.
    remaining: Optional[float]


class LockDenied(LoktError):
    """Another caller holds the lock, it is frozen, or the wait timed out."""

    @property
    def name(self) -> str:
        """The lock."""
        return str(self.fields.get("name", ""))

    @property
    def reason(self) -> str:
        """``held``, ``frozen``, ``queued`` (another is ahead in the queue) or ``corrupted``."""
        return str(self.fields.get("reason", ""))

    @property
    def waited(self) -> Optional[float]:
        """Seconds that the caller waited; None if it did not want to wait."""
        waited = self.fields.get("waited_ms")
        return None if waited is None else waited / 1000

    @property
    def holder(self) -> Holder:
        """The process in the way."""
        field = {key[7:]: value for key, value in self.fields.items() if key.startswith("holder_")}
        return Holder(
            owner=field.get("owner"),
            mine=field.get("mine"),
            host=field.get("host"),
            pid=field.get("pid"),
            agent_id=field.get("agent_id"),
            command=field.get("command"),
            age=field.get("age_sec"),
            remaining=field.get("remaining_sec"),
        )


class Deadlock(LoktError):
    """The wait would never end: the holder waits for a lock of this thread."""


class LockLost(LoktError):
    """A lock was taken away while it was held: what was done under it may have met another's work."""

    def __init__(self, names: Sequence[str], why: str = "") -> None:
        listed = ", ".join(f'"{name}"' for name in names)
        super().__init__(f"lock {listed} was lost while it was held{why}")
        #: The locks that were lost.
        self.names: Sequence[str] = tuple(names)


def error_of(answer: Mapping[str, Any]) -> LoktError:
    """The exception for an answer that is an error."""
    kinds = {2: LockDenied, 7: Deadlock}
    kind = kinds.get(answer.get("exit_code", 1), LoktError)
    return kind(str(answer.get("error", answer)), answer)
