"""A small file that processes and threads of a machine change in turn."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["locked"]

LOCK_TIME: Final = 0.5
"""Whoever holds the lock for longer has been stopped in the middle; the others go on without it."""

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _unlock(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Open a file for its only user of the moment. The system ends the lock of a process that dies.

    Raises
    ------
    OSError
        The file cannot be opened, or somebody holds it for longer than `LOCK_TIME`.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        _lock(file)
        try:
            yield file
        finally:
            _unlock(file)  # closing is not enough: a child forked just now has the file open, too
    finally:
        os.close(file)


def _lock(file: int) -> None:
    tries_end = time.monotonic() + LOCK_TIME
    while True:
        try:
            return _try_lock(file)
        except (BlockingIOError, PermissionError):  # the latter on Windows
            if time.monotonic() > tries_end:
                raise
        time.sleep(0.0005)
