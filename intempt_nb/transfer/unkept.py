"""What stands in for a journal where none is kept: the whole of an upload is done again if it breaks off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from intempt_nb.transfer.known import Known, Posts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from intempt_nb.transfer.known import Rejected

__all__ = ["Unkept"]


class Unkept:
    """A journal that forgets; see :class:`intempt_nb.transfer.journal.Journal` for what its methods mean."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.started = datetime.now(UTC)
        self.resumed = False
        self.known = Known.of(Posts.of([]), [], [])

    def begin(self, lane: int, first: int, last: int, rows: int | None = None) -> None:
        """Note nothing."""

    def begin_all(self, posts: Iterable[tuple[int, int, int, int | None]]) -> None:
        """Note nothing."""

    def has_begun(self, lane: int, first: int, last: int) -> bool:
        """Return True, so that nobody gathers what could be noted ahead."""
        return True

    def accept(self, lane: int, first: int, last: int) -> None:
        """Note nothing."""

    def doubt(self, lane: int, first: int, last: int) -> None:
        """Note nothing."""

    def withdraw(self, lane: int, first: int, last: int) -> None:
        """Note nothing."""

    def reject(self, rejects: Iterable[Rejected | tuple[int, str | None, int | None, str]]) -> None:
        """Note nothing."""

    def leave_out(self, rows: npt.NDArray[np.int64]) -> None:
        """Note nothing."""

    def finish(self) -> None:
        """Note nothing."""

    def close(self) -> None:
        """Do nothing."""
