"""What an upload did: counts, and every row that was not taken with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.display import html_table, text_table
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["UploadReport"]

SHOWN = 20


def _size(count: int) -> str:
    """Return a number of bytes as a person reads it, in powers of 1,000."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"


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
        Rows that the server confirmed; 0 in a dry run.
    rejected
        Rows that were not sent, or that the server refused.
    unknown
        Rows that were sent and whose answer never came: the server may or may not have them.
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
    dry_run
        Whether nothing was sent.
    """

    collection: str
    origin: str
    numbering: str
    rows: int
    planned: int
    accepted: int
    rejected: int
    unknown: int
    blank: int
    requests: int
    sent_bytes: int
    seconds: float
    ignored: tuple[str, ...]
    key_rule: str | None
    rejects_table: pa.Table
    unknown_rows: pa.Array
    dry_run: bool = False

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
        if self.unknown:
            rows.append(("unknown", f"{self.unknown:,} (sent, but no answer came)"))
        rate = f", {self.rows / self.seconds:,.0f} rows/s" if self.seconds > 0 and not self.dry_run else ""
        plural = "" if self.requests == 1 else "s"
        rows.append(
            (
                "would take" if self.dry_run else "sent",
                f"{self.requests:,} request{plural}, {_size(self.sent_bytes)}",
            )
        )
        rows.append(("time", f"{self.seconds:,.2f} s{rate}"))
        if self.ignored:
            rows.append(("ignored", f"columns not in the schema: {', '.join(self.ignored)}"))
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
        text = text_table(first, rest, self._title())
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
