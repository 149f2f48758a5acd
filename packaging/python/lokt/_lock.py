"""The lock as a context manager and as a decorator."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Type, TypeVar

from . import _helper
from ._errors import LockLost, LoktError, error_of

_Function = TypeVar("_Function", bound=Callable[..., Any])
# As of `lokt guard --wait`.
_DEFAULT_TIMEOUT = 600.0


class _Held(threading.local):
    """The locks that this thread holds: it may take them again, and a wait for itself is found."""

    def __init__(self) -> None:
        self.pairs: List[str] = []


_held = _Held()


def _forget_locks_of_parent() -> None:
    global _held
    _held = _Held()


os.register_at_fork(after_in_child=_forget_locks_of_parent)


class Lock:
    """One or several locks, all or none. ``lock()`` makes it; ``with`` takes it and gives it back.

    It is one use of the locks, for one thread: threads that want to exclude each other make one each. A thread inside
    it may take the same locks again.
    """

    def __init__(self, names: Sequence[str], request: Mapping[str, Any]) -> None:
        self.names: Sequence[str] = tuple(names)
        self._request = request
        self._helper: Optional[_helper.Helper] = None
        self._answer: Mapping[str, Any] = {}
        self._pairs: List[str] = []
        self._own: List[str] = []

    @property
    def fences(self) -> Sequence[Optional[int]]:
        """The fencing tokens, in the order of the names."""
        return tuple(self._answer.get("fences", ()))

    @property
    def fence(self) -> Optional[int]:
        """The fencing token of the first name: it rises with each holder, so that a store can reject late writers."""
        return self.fences[0] if self.fences else None

    @property
    def is_held(self) -> bool:
        """Whether this process has taken the locks and not given them back. False in a forked child."""
        return bool(self._answer) and self._helper is not None and self._helper.is_open

    @property
    def lost(self) -> Sequence[str]:
        """The names that were taken away since (``lokt unlock --force``); empty while all are held."""
        if self._helper is None or self._helper.is_of_parent:
            return ()
        if not self._helper.is_open:
            return self.names
        try:
            self._helper.notice()
        except LoktError:
            return self.names
        return tuple(self._helper.lost)

    def environment(self) -> Dict[str, str]:
        """The variables for a command that runs under the locks: ``subprocess.run(…, env=lock.environment())``."""
        variables = dict(os.environ)
        for name, value in self._answer.get("environment", {}).items():
            variables.pop(name, None)
            if value is not None:
                variables[name] = value
        return variables

    def acquire(self) -> None:
        """Takes the locks. Raises LockDenied, Deadlock or LoktError."""
        if self._helper is not None:
            raise RuntimeError(f"{self!r} is taken already")
        # Kept first: whatever interrupts the rest, __del__ finds the helper.
        self._helper = helper = _helper.take(_helper.place())
        try:
            answer = helper.ask({"lock": self.names, "held": _held.pairs, **self._request})
        except BaseException:
            self._helper = None
            raise
        if answer["status"] != "acquired":
            self._helper = None
            _helper.give_back(helper)
            raise error_of(answer)
        self._answer, self._pairs = answer, _held.pairs
        self._own = [pair for pair in answer["held"] if pair not in self._pairs]
        self._pairs.extend(self._own)

    def release(self) -> None:
        """Gives the locks back. Raises LockLost if one was taken away before. Does nothing in a forked child."""
        helper, self._helper, self._answer = self._helper, None, {}
        for pair in self._own:
            self._pairs.remove(pair)
        self._own = []
        if helper is None:
            raise RuntimeError(f"{self!r} is not held")
        if helper.is_of_parent:
            return
        try:
            answer = helper.ask({"unlock": True}) if helper.is_open else {"status": "gone"}
        except _helper.HelperGone:
            answer = {"status": "gone"}
        if answer["status"] == "gone":
            raise LockLost(self.names, ": the process that held it is gone")
        if answer["status"] != "released":
            helper.close()
            raise error_of(answer)
        _helper.give_back(helper)
        if answer["lost"]:
            raise LockLost(answer["lost"])

    def __del__(self) -> None:
        helper = getattr(self, "_helper", None)
        if helper is not None and not helper.is_of_parent:
            helper.close()

    def __enter__(self) -> "Lock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        try:
            self.release()
        except LockLost as loss:
            if error is None:
                raise
            # The error of the block is what its caller waits for.
            warnings.warn(str(loss), RuntimeWarning, stacklevel=2)

    def __repr__(self) -> str:
        return f"lokt.lock({', '.join(map(repr, self.names))})"


def lock(
    *names: str,
    wait: bool = False,
    timeout: Optional[float] = None,
    shared: bool = False,
    slots: Optional[int] = None,
    ttl: Optional[float] = None,
    command: Optional[Sequence[str]] = None,
) -> Lock:
    """Describes locks for a ``with`` block.

    wait: wait in the queue, first come, first served. Otherwise the block raises LockDenied if another has a lock.
    timeout: wait at most so many seconds; ten minutes by default.
    shared: hold them together with others that share them.
    slots: hold one of so many slots.
    ttl: announce a lifetime of so many seconds to others; it is extended while the locks are held.
    command: what others are shown as the command; ``sys.argv`` by default.
    """
    if not names:
        raise ValueError("name a lock")
    if timeout is not None and not wait:
        raise ValueError("a timeout needs wait=True")
    shown = list(command) if command is not None else [os.path.basename(sys.executable or "python"), *sys.argv]
    request: Dict[str, Any] = {"command": shown, "shared": shared}
    if wait:
        request["wait_ms"] = round(1000 * (_DEFAULT_TIMEOUT if timeout is None else timeout))
    if slots is not None:
        request["slots"] = slots
    if ttl is not None:
        request["ttl_ms"] = round(1000 * ttl)
    return Lock(names, request)


def guarded(*names: str, **options: Any) -> Callable[[_Function], _Function]:
    """Makes a function run under locks, taken at each call. It waits unless ``wait=False``; options as ``lock()``."""
    options = {"wait": True, **options}
    lock(*names, **options)

    def decorate(function: _Function) -> _Function:
        is_lazy = inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function)
        if is_lazy or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function!r} returns before its body runs, so a lock around the call would not hold")

        @functools.wraps(function)
        def guarded_call(*arguments: Any, **keywords: Any) -> Any:
            with lock(*names, **options):
                return function(*arguments, **keywords)

        return guarded_call  # type: ignore[return-value]

    return decorate
