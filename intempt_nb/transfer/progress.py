"""How far an upload has come, and what it waits for, for those who watch."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Progress"]


class Progress:
    """A bar of rows whose outcome is known; a context manager, for any number of threads.

    Attributes
    ----------
    waiting
        Why nothing is sent; None if something is.

    Parameters
    ----------
    total
        How many rows there are; None if that is not known yet.
    shown
        Whether to show it; None for where someone can see it.
    """

    def __init__(self, total: int | None, shown: bool | None) -> None:
        from tqdm.auto import tqdm  # not needed before there is something to show

        hidden = None if shown is None else not shown
        self._bar = tqdm(total=total, unit=" rows", unit_scale=True, disable=hidden)
        self._lock = Lock()
        self.waiting: str | None = None

    def reach(self, rows: int) -> None:
        """Show that the outcome of so many rows is known."""
        with self._lock:
            self._bar.update(rows - self._bar.n)

    def wait(self, reason: str | None) -> None:
        """Show why nothing is sent; None when it goes on."""
        with self._lock:
            self.waiting = reason
            self._bar.set_postfix_str(reason or "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
