"""Locks of Lokt for Python: one holder at a time, first come, first served, over all processes of a repository.

    import lokt

    with lokt.lock("build", wait=True):
        ...

    @lokt.guarded("database")
    def migrate(): ...

A lock is a guard, as ``lokt guard`` takes it, and excludes those. It belongs to this process: it ends with the ``with``
block, and when the process dies, however it dies.
"""

from ._errors import Deadlock, Holder, LockDenied, LockLost, LoktError
from ._lock import Lock, guarded, lock

__all__ = ["Deadlock", "Holder", "Lock", "LockDenied", "LockLost", "LoktError", "guarded", "lock"]
