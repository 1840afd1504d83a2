"""What is known of an upload so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from intempt_nb.schema.checking.rejects import REJECTS
from intempt_nb.transfer.keys import Repeats

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Counts, and the rows that were not taken."""

    rows: int = 0
    planned: int = 0
    accepted: int = 0
    known: int = 0
    refused_before: int = 0
    rejected: int = 0
    blank: int = 0
    requests: int = 0
    sent_bytes: int = 0
    rejects: list[pa.Table] = field(default_factory=list)
    unknown: list[npt.NDArray[np.int64]] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    repeats: Repeats = field(default_factory=Repeats)

    def reject(
        self, rows: npt.NDArray[np.int64], reasons: Sequence[str], paths: Sequence[str | None] | None = None
    ) -> None:
        """Note whole rows that are not taken, each with its reason, and where in the row it is to be found."""
        nothing = pa.nulls(len(rows), pa.string())
        fields = nothing if paths is None else pa.array(paths, pa.string())
        columns = [pa.array(rows), fields, nothing, nothing, pa.array(reasons, pa.string())]
        self.rejects.append(pa.table(columns, schema=REJECTS))
        self.rejected += len(rows)

    def reject_known(self, known: Sequence[tuple[int, str | None, int | None, str]]) -> None:
        """Note rows that the server refused in an earlier session: row, field, HTTP status, reason."""
        rows = np.array([row for row, *_ in known], np.int64)
        self.refused_before += len(rows)
        self.reject(rows, [reason for *_, reason in known], [path for _, path, *_ in known])
        self.statuses |= {row: status for row, _, status, _ in known if status is not None}

    def close(self) -> None:
        """Let go of what it counts with."""
        self.repeats.close()

    def add(self, other: Tally) -> None:
        """Add what one batch brought."""
        self.accepted += other.accepted
        self.rejected += other.rejected
        self.requests += other.requests
        self.sent_bytes += other.sent_bytes
        self.unknown += other.unknown
        self.statuses |= other.statuses
        if other.rejects:  # a table a row would take far more than the rows
            self.rejects.append(pa.concat_tables(other.rejects).combine_chunks())

    def rejects_table(self) -> pa.Table:
        """Return the rejects by row. Most come in that order already, and are not copied then."""
        rejects = pa.concat_tables([REJECTS.empty_table(), *self.rejects])
        rows = rejects["row"].to_numpy()
        return rejects if (rows[1:] >= rows[:-1]).all() else rejects.sort_by("row")

    def unknown_rows(self) -> pa.Array:
        """Return the numbers of the rows without an answer, in order."""
        return pa.array(np.sort(np.concatenate([np.array([], np.int64), *self.unknown])))
