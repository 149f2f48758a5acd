"""Processes of ``lokt hold-for-program``, which hold the locks of this process, and a pool of idle ones.

A helper lives as long as its standard input is open. Only this process has the other end: files that Python opens are
closed in programs that it starts, and a child that is forked closes its copies at once. So the kernel ends the locks
when this process dies.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import shutil
import subprocess
import sysconfig
import threading
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

from ._errors import LoktError

# Which locks are meant depends on these: the root, and the caller.
Place = Tuple[str, ...]
_VARIABLES = ("LOKT_ROOT", "LOKT_OWNER", "LOKT_AGENT_ID", "LOKT_HELD", "GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE")
# Idle helpers beyond this number end.
_MOST_IDLE = 8


class HelperGone(LoktError):
    """The helper ended by itself, or was killed."""


class Helper:
    """One process. It answers one request at a time, and is used by one thread at a time."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.lost: List[str] = []
        self.is_of_parent = False
        self._unread = b""
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([_program(), "hold-for-program"], stdin=pipe, stdout=pipe, bufsize=0)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input = self._process.stdin
        self._output = self._process.stdout

    def ask(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Sends a request and waits for its answer. If that is interrupted, the helper gives up its locks and ends."""
        try:
            line = json.dumps(request).encode() + b"\n"
            while line:
                line = line[self._write(line) :]
            while True:
                answer = self._line()
                if answer.get("status") != "lost":
                    return answer
                self.lost.append(answer["name"])
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return not self._input.closed

    def notice(self) -> None:
        """Reads what the helper has said without being asked: which locks are lost."""
        while b"\n" in self._unread or select.select([self._output], [], [], 0)[0]:
            self.lost.append(self._line()["name"])

    def close(self) -> None:
        """Ends the helper: it gives back what it holds. Returns when it has."""
        if not self._input.closed:
            self._input.close()
            self._process.wait()
            self._output.close()
        _all.discard(self)

    def abandon(self) -> None:
        """In a forked child: closes its copies, which would keep the locks of the parent beyond its end."""
        self.is_of_parent = True
        self._input.close()
        self._output.close()
        # The process is no child of this one, so Python must not wait for it.
        self._process.returncode = 0

    def _write(self, line: bytes) -> int:
        try:
            return self._input.write(line) or 0
        except BrokenPipeError:
            raise self._gone() from None

    def _line(self) -> Dict[str, Any]:
        while b"\n" not in self._unread:
            more = self._output.read(1 << 16)
            if not more:
                raise self._gone()
            self._unread += more
        line, self._unread = self._unread.split(b"\n", 1)
        answer: Dict[str, Any] = json.loads(line)
        return answer

    def _gone(self) -> HelperGone:
        self._input.close()
        self._output.close()
        return HelperGone(f"lokt hold-for-program ended with {self._process.wait()}; what it has printed says why")


def place() -> Place:
    """Where this process is now, as far as locks depend on it."""
    return (os.getcwd(), *(os.environ.get(name, "") for name in _VARIABLES))


def take(here: Place) -> Helper:
    """A helper that holds nothing: an idle one, else a new one."""
    with _guard:
        for helper in reversed(_idle):
            if helper.place == here:
                _idle.remove(helper)
                return helper
        helper = Helper(here)
        _all.add(helper)
        return helper


def give_back(helper: Helper) -> None:
    """Keeps a helper that holds nothing for the next lock."""
    helper.lost.clear()
    surplus: Optional[Helper] = None
    with _guard:
        _idle.append(helper)
        if len(_idle) > _MOST_IDLE:
            surplus = _idle.pop(0)
    if surplus is not None:
        surplus.close()


def _program() -> str:
    """The program: the one that was installed with this package, else the one on the PATH."""
    folders = [sysconfig.get_path("scripts"), str(Path(__file__).parent.parent / "bin")]
    try:
        folders.append(sysconfig.get_path("scripts", f"{os.name}_user"))
    except KeyError:
        pass
    for folder in folders:
        path = os.path.join(folder, "lokt")
        if os.access(path, os.X_OK):
            return path
    found = shutil.which("lokt")
    if found is None:
        raise LoktError("the program lokt is neither beside this package nor on the PATH")
    return found


_guard = threading.RLock()
_idle: List[Helper] = []
_all: Set[Helper] = set()


def _after_fork_in_child() -> None:
    global _guard
    _guard = threading.RLock()
    for helper in _all:
        helper.abandon()
    _all.clear()
    _idle.clear()


def _close_all() -> None:
    for helper in list(_all):
        helper.close()


# While a helper starts, no other thread may fork: the child would have a pipe that nothing here knows of yet.
os.register_at_fork(
    before=lambda: _guard.acquire(),
    after_in_parent=lambda: _guard.release(),
    after_in_child=_after_fork_in_child,
)
atexit.register(_close_all)
