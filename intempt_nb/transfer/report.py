"""What an upload did: counts, and every row that was not taken with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from intempt_nb.display import html_table, text_table
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import to_frame
from intempt_nb.transfer.deadletters import read_rejected, write_dead_letters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from os import PathLike

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.transfer.control import UploadControl
    from intempt_nb.transfer.keys import KeyMaker

__all__ = ["Again", "Letters", "UploadReport", "size_text"]

SHOWN = 20
SUMMARY_LENGTH = 300

Again: TypeAlias = "Callable[[Any, UploadControl | None], UploadReport]"


def size_text(count: int) -> str:
    """Return a number of bytes as a person reads it, in powers of 1,000."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class Letters:
    """Where the rejected rows can be had again, and how they are sent once they are right.

    Parameters
    ----------
    source
        The rows.
    stamp
        What `Tabular.stamp` said when they were read; None if its content cannot change.
    statuses
        Row → HTTP status, where the server refused it.
    maker
        Made the keys; None if rows bring theirs.
    again
        Uploads another source as this one was; a control may be given too.
    """

    source: Tabular
    stamp: tuple[int, int] | None
    statuses: Mapping[int, int]
    maker: KeyMaker | None
    again: Again

    def check(self) -> None:
        """Raise `DataError` if the source is not what it was."""
        now = self.source.stamp()
        if now != self.stamp if self.stamp is not None else (self.source.path is not None and now is None):
            raise DataError(
                f"{self.source.origin} is not there any more as it was uploaded, so its rows cannot be read"
            )

    def ids(self, rows: npt.NDArray[np.int64]) -> list[str | None]:
        """Return the keys made for rows; None for each if they have their own, or it is made of what they hold."""
        if self.maker is None or self.maker.rule != "row":
            return [None] * len(rows)
        keys: list[str | None] = self.maker.of_rows(pa.array(rows)).to_pylist()
        return keys


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class UploadReport:
    """The outcome of an upload, or of its dry run.

    Parameters
    ----------
    collection
        Name of the collection.
    origin
        What was uploaded: a path, or "DataFrame".
    numbering
        What the row numbers mean.
    rows
        Rows found, empty lines aside: ``accepted + rejected + unknown``, or with ``dry_run`` ``planned + rejected``.
    planned
        Rows that passed the local checks.
    accepted
        Rows that the server confirmed, now or in an earlier session; 0 in a dry run.
    known
        Those of them that an earlier session of the same upload had brought, and that were not sent again.
    rejected
        Rows that were not sent, or that the server refused.
    unknown
        Rows that were sent and whose answer never came: the server may or may not have them.
    repeated
        Rows with the key of an earlier row, which they overwrite; among those that passed the local checks.
    blank
        Empty lines of a CSV, which are not rows.
    requests
        Requests that carried rows, in a dry run those that it would take.
    sent_bytes
        Bytes of their bodies.
    seconds
        Wall-clock time.
    ignored
        Columns that the schema does not name; they were not sent.
    key_rule
        How rows without a primary key got one; None if they brought it.
    rejects_table
        `rejects` as an Arrow table.
    unknown_rows
        Row numbers behind `unknown`, int64.
    letters
        What :meth:`write_rejects` and :meth:`retry` work with.
    dry_run
        Whether nothing was sent.
    complete
        Whether it came to its end; False on an error's ``report``.
    estimated_seconds
        Of a dry run: the least that the upload will take; the server's own work on the rows comes on top.
    run
        The id of its journal; None for a dry run.
    earlier
        When the earlier session began that `known` is from; UTC, None if there was none.
    refused_before
        Rows that the server refused in an earlier session, and that were not sent again.
    troubles
        What kept requests from getting through, and how often: ``{"429": 3, "no answer": 1}``.
    """

    collection: str
    origin: str
    numbering: str
    rows: int
    planned: int
    accepted: int
    known: int
    rejected: int
    unknown: int
    repeated: int
    blank: int
    requests: int
    sent_bytes: int
    seconds: float
    ignored: tuple[str, ...]
    key_rule: str | None
    rejects_table: pa.Table
    unknown_rows: pa.Array
    letters: Letters
    dry_run: bool = False
    complete: bool = True
    estimated_seconds: float | None = None
    run: str | None = None
    earlier: datetime | None = None
    refused_before: int = 0
    troubles: Mapping[str, int] = field(default_factory=dict)

    @property
    def rejects(self) -> pd.DataFrame:
        """The rows that were not taken.

        Returns
        -------
        pandas.DataFrame
            Columns ``row`` (int64), ``field``, ``value``, ``expected``, ``reason`` (strings; ``field`` is null if the
            whole row is meant), ordered by row. A row with two bad cells stands here twice.
        """
        return to_frame(self.rejects_table)

    @property
    def rejected_rows(self) -> pd.DataFrame:
        """The rejected rows as the source has them: to be put right, and given to :meth:`retry`.

        Returns
        -------
        pandas.DataFrame
            ``_intempt_row``, ``_intempt_status`` (of HTTP; null for what was found before it was sent),
            ``_intempt_error``, ``_intempt_id``, then the source's own columns; one row for each rejected one.

        Raises
        ------
        DataError
            If the source has changed.
        """
        return to_frame(self.rejected_table())

    def rejected_table(self) -> pa.Table:
        """Return `rejected_rows` as an Arrow table."""
        self.letters.check()
        letters = self.letters
        return read_rejected(letters.source, self.rejects_table, letters.statuses, letters.ids)

    def write_rejects(self, path: str | PathLike[str]) -> int:
        """Write the rejected rows to a file: to be put right, and uploaded again as it is.

        Parameters
        ----------
        path
            Of the file. Its suffix says its kind; a CSV has the dialect of the source. Columns as `rejected_rows` has
            them. Cells that a spreadsheet would take for formulas get an apostrophe in front, which an upload takes
            away again, as long as one of the ``_intempt`` columns is there.

        Returns
        -------
        int
            How many rows that are.

        Raises
        ------
        DataError
            If the source has changed, or the kind of file cannot hold its rows.
        """
        self.letters.check()
        return write_dead_letters(
            Path(path), self.letters.source, self.rejects_table, self.letters.statuses, self.letters.ids
        )

    def retry(self, fixed: Any, *, control: UploadControl | None = None) -> UploadReport:
        """Upload rows that were put right, with the options of this upload.

        Parameters
        ----------
        fixed
            A file that :meth:`write_rejects` has written, `rejected_rows`, or any other source. Rows keep the keys that
            were made for them, so that none is there twice.
        control
            As an upload has it.

        Returns
        -------
        UploadReport
            Of these rows.
        """
        return self.letters.again(fixed, control)

    def raise_for_rejects(self) -> None:
        """Raise if any row was rejected or is unknown.

        Raises
        ------
        DataError
            With the first reject, and how many there are.
        """
        if self.rejected:
            first = self.rejects_table.slice(0, 1).to_pylist()[0]
            raise DataError(
                f"{first['reason']}. {self.rejected:,} of {self.rows:,} rows were rejected: see report.rejects",
                row=first["row"],
                field=first["field"],
                value=first["value"],
                expected=first["expected"],
            )
        if self.unknown:
            raise DataError(f"{self.unknown:,} of {self.rows:,} rows got no answer: see report.unknown_rows")

    def _summary(self) -> list[tuple[str, str]]:
        verb = "would be sent" if self.dry_run else "accepted"
        rows = [
            ("rows", f"{self.rows:,}" + (f" (and {self.blank:,} empty lines)" if self.blank else "")),
            (verb, f"{self.planned if self.dry_run else self.accepted:,}"),
            ("rejected", f"{self.rejected:,}"),
        ]
        if self.earlier is not None and self.known:
            since = f"{self.known:,}, there since {self.earlier.astimezone():%Y-%m-%d %H:%M}"
            rows.append(("not sent again", f"{since} (resume=False sends them)"))
        if self.refused_before:
            advice = "report.retry(report.rejected_rows), or resume=False"
            rows.append(("not tried again", f"{self.refused_before:,} that the server had refused before ({advice})"))
        if self.repeated:
            rows.append(("same key", f"{self.repeated:,} with the key of an earlier row, which they replace"))
        if not self.complete:
            left = self.rows - self.accepted - self.rejected - self.unknown
            rows += [] if self.dry_run else [("not sent", f"{left:,} of those read so far")]
            rows.insert(
                0, ("stopped", "before its end" + ("" if self.dry_run else "; the same call goes on from here"))
            )
        if self.unknown:
            rows.append(("unknown", f"{self.unknown:,} (sent, but no answer came)"))
        rate = f", {self.rows / self.seconds:,.0f} rows/s" if self.seconds > 0 and not self.dry_run else ""
        plural = "" if self.requests == 1 else "s"
        rows.append(
            (
                "would take" if self.dry_run else "sent",
                f"{self.requests:,} request{plural}, {size_text(self.sent_bytes)}",
            )
        )
        if self.troubles:
            found = ", ".join(f"{what}: {count:,}" for what, count in self.troubles.items())
            rows.append(("sent again after", found))
        rows.append(("time", f"{self.seconds:,.2f} s{rate}"))
        if self.estimated_seconds is not None:
            rows.append(("to send", f"at least {self.estimated_seconds:,.1f} s"))
        if self.ignored:
            rows.append(("ignored", f"columns that feed no field: {', '.join(self.ignored)}"))
        if self.key_rule:
            rows.append(("key", self.key_rule))
        return rows

    def _title(self) -> str:
        return f"{'Dry run of ' if self.dry_run else ''}{self.origin} → {self.collection}"

    def _reject_rows(self) -> tuple[list[tuple[object, ...]], str]:
        shown = [tuple(each.values()) for each in self.rejects_table.slice(0, SHOWN).to_pylist()]
        more = len(self.rejects_table) - len(shown)
        caption = f"Rejects ({self.numbering})" + (f"; {more:,} more in report.rejects" if more else "")
        return shown, caption

    def __repr__(self) -> str:
        """Return the counts and the first rejects as text."""
        first, *rest = self._summary()
        text = text_table(first, rest, self._title(), limit=SUMMARY_LENGTH)
        if not len(self.rejects_table):
            return text
        shown, caption = self._reject_rows()
        return f"{text}\n\n{text_table(self.rejects_table.column_names, shown, caption)}"

    def _repr_html_(self) -> str:
        html = html_table((self._title(), ""), self._summary())
        if not len(self.rejects_table):
            return html
        shown, caption = self._reject_rows()
        return html + html_table(self.rejects_table.column_names, shown, caption)
