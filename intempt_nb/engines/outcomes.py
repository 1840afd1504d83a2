"""What became of each partition, and of all of them together: `EngineReport`."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.display import html_table, shorten, text_table
from intempt_nb.errors import DataError, UploadError
from intempt_nb.schema.checking.rejects import REJECTS
from intempt_nb.schema.mapping.frames import to_frame
from intempt_nb.transfer.report import SHOWN, SUMMARY_LENGTH, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from intempt_nb.transfer.report import UploadReport

__all__ = ["EngineReport", "Outcome", "failed", "lost", "outcome_of"]

COUNTS = ("rows", "accepted", "known", "rejected", "unknown", "repeated", "blank", "requests", "sent_bytes")
"""What is counted in each partition, as `UploadReport` has it."""

MOST_REJECTED = 1_000
"""Rejected rows of a partition that travel with its outcome: all of them may be too many for one machine."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of a partition.

    Parameters
    ----------
    number, origin
        Which it is, and what it is called.
    counts
        `COUNTS` → number.
    seconds
        That it took on its worker.
    host
        The worker's machine; None if that is not known.
    rejects
        As `REJECTS`, of the first `MOST_REJECTED` rejected rows.
    rejected_rows
        These rows as the partition has them; None if they could not be read again.
    unknown_rows
        Numbers of rows whose answer never came, `MOST_REJECTED` at most.
    troubles
        What kept requests from getting through.
    key_rule
        How rows without a key got one.
    ignored
        Columns that the schema does not name; they were not sent.
    error
        What ended it before its end; None if nothing did.
    """

    number: int
    origin: str
    counts: Mapping[str, int]
    seconds: float
    host: str | None = field(default_factory=platform.node)
    rejects: pa.Table = field(default_factory=REJECTS.empty_table)
    rejected_rows: pa.Table | None = None
    unknown_rows: pa.Array = field(default_factory=lambda: pa.array([], pa.int64()))
    troubles: Mapping[str, int] = field(default_factory=dict)
    key_rule: str | None = None
    ignored: tuple[str, ...] = ()
    error: str | None = None


def outcome_of(report: UploadReport, number: int, origin: str) -> Outcome:
    """Return what an upload's report says, in a form that can be sent to another process."""
    told = replace(report, rejects_table=_first(report.rejects_table))
    return Outcome(
        number,
        origin,
        {name: getattr(report, name) for name in COUNTS},
        report.seconds,
        rejects=told.rejects_table,
        rejected_rows=_rejected_rows(told),
        unknown_rows=report.unknown_rows[:MOST_REJECTED],
        troubles=dict(report.troubles),
        key_rule=report.key_rule,
        ignored=report.ignored,
    )


def failed(error: BaseException, number: int, origin: str, seconds: float) -> Outcome:
    """Return the outcome of a partition that was ended by an error; what it had brought by then is counted."""
    report: UploadReport | None = getattr(error, "report", None)
    text = f"{type(error).__name__}: {shorten(str(error), 500)}"
    if report is None:
        return Outcome(number, origin, dict.fromkeys(COUNTS, 0), seconds, error=text)
    return replace(outcome_of(report, number, origin), error=text)


def _first(rejects: pa.Table) -> pa.Table:
    rows = pc.unique(rejects["row"])  # in order
    return rejects if len(rows) <= MOST_REJECTED else rejects.filter(pc.less(rejects["row"], rows[MOST_REJECTED]))


def lost(why: str, number: int, origin: str) -> Outcome:
    """Return the outcome of a partition of which nothing came back: some of its rows may be there."""
    return Outcome(number, origin, dict.fromkeys(COUNTS, 0), 0.0, host=None, error=why)


def _rejected_rows(report: UploadReport) -> pa.Table | None:
    if not report.rejected:
        return None
    try:
        return report.rejected_table()
    except DataError:  # the file is not what it was; the reasons still say which rows
        return None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EngineReport:
    """The outcome of an upload in partitions.

    Parameters
    ----------
    collection
        Name of the collection.
    outcomes
        Of each partition, by number.
    seconds
        Wall-clock time.
    again
        Uploads some partitions again, given their numbers; None where the engine itself does that.
    """

    collection: str
    outcomes: tuple[Outcome, ...]
    seconds: float
    again: Callable[[tuple[int, ...]], EngineReport] | None = None

    def _sum(self, name: str) -> int:
        return sum(each.counts[name] for each in self.outcomes)

    @property
    def rows(self) -> int:
        """Rows found: ``accepted + rejected + unknown``, and those that were not sent in partitions that failed."""
        return self._sum("rows")

    @property
    def accepted(self) -> int:
        """Rows that the server confirmed, now or in an earlier session."""
        return self._sum("accepted")

    @property
    def known(self) -> int:
        """Those of them that an earlier session had brought, and that were not sent again; of files only."""
        return self._sum("known")

    @property
    def rejected(self) -> int:
        """Rows that were not sent, or that the server refused."""
        return self._sum("rejected")

    @property
    def unknown(self) -> int:
        """Rows that were sent and whose answer never came."""
        return self._sum("unknown")

    @property
    def failed(self) -> tuple[int, ...]:
        """The numbers of partitions that did not come to their end."""
        return tuple(each.number for each in self.outcomes if each.error is not None)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns of any partition that the schema does not name; they were not sent."""
        return tuple(dict.fromkeys(name for each in self.outcomes for name in each.ignored))

    @property
    def partitions(self) -> pd.DataFrame:
        """What became of each partition.

        Returns
        -------
        pandas.DataFrame
            A row for each: ``partition`` (int64), ``origin``, the counts (int64), ``seconds`` (double, on its worker),
            ``host`` (null if nothing came back from it) and ``error`` (null if it came to its end).
        """
        return to_frame(pa.Table.from_pylist([_row(each) for each in self.outcomes], _PARTITIONS))

    @property
    def rejects(self) -> pd.DataFrame:
        """The rows that were not taken, and why.

        Returns
        -------
        pandas.DataFrame
            ``partition`` (int64) and ``origin``, then as `UploadReport.rejects`: ``row``, ``field``, ``value``,
            ``expected``, ``reason``. Of the first 1,000 rejected rows of each partition; `rejected` counts all.
        """
        return to_frame(_joined([(each, each.rejects) for each in self.outcomes], REJECTS))

    @property
    def rejected_rows(self) -> pd.DataFrame:
        """The rejected rows as their partitions have them, with the remarks that `UploadReport.rejected_rows` has.

        The first 1,000 of each partition. Put right, they are uploaded as any DataFrame, ``collection.upload(…)``.
        """
        found = [each.rejected_rows for each in self.outcomes if each.rejected_rows is not None]
        return to_frame(pa.concat_tables(found, promote_options="permissive") if found else REJECTS.empty_table())

    def retry(self) -> EngineReport:
        """Upload the partitions that failed once more, and only these.

        Returns
        -------
        EngineReport
            Of all partitions: the new outcomes in place of the failed ones.

        Raises
        ------
        UploadError
            If the engine that made this report runs its work again by itself.
        """
        if self.again is None:
            raise UploadError("the engine retries these partitions itself; run the job again to send all of them")
        if not self.failed:
            return self
        new = self.again(self.failed)
        later = {each.number: each for each in new.outcomes}
        return replace(
            self,
            outcomes=tuple(later.get(each.number, each) for each in self.outcomes),
            seconds=self.seconds + new.seconds,
        )

    def raise_for_failures(self) -> None:
        """Raise if a partition did not come to its end.

        Raises
        ------
        UploadError
            With the first error, and how many there are.
        """
        if self.failed:
            first = next(each for each in self.outcomes if each.error is not None)
            raise UploadError(
                f"{len(self.failed):,} of {len(self.outcomes):,} partitions failed, the first ({first.origin}) with: "
                f"{first.error}. {'Run the job' if self.again is None else 'report.retry() uploads them'} again"
            )

    def raise_for_rejects(self) -> None:
        """Raise if a partition failed, or any row was rejected or is unknown.

        Raises
        ------
        UploadError
            If a partition failed.
        DataError
            With the first reject, and how many there are.
        """
        self.raise_for_failures()
        if self.rejected:
            first = next(each for each in self.outcomes if len(each.rejects))
            row = first.rejects.slice(0, 1).to_pylist()[0]
            raise DataError(
                f"{first.origin}: {row['reason']}. {self.rejected:,} of {self.rows:,} rows were rejected: see "
                "report.rejects",
                row=row["row"],
                field=row["field"],
                value=row["value"],
                expected=row["expected"],
            )
        if self.unknown:
            raise DataError(f"{self.unknown:,} of {self.rows:,} rows got no answer: see report.partitions")

    def _summary(self) -> list[tuple[str, str]]:
        total = len(self.outcomes)
        rows = [("partitions", f"{total:,}"), ("rows", f"{self.rows:,}"), ("accepted", f"{self.accepted:,}")]
        if self.failed:
            numbers = shorten(", ".join(map(str, self.failed)), 60)
            advice = "" if self.again is None else " (report.retry())"
            rows[0] = ("partitions", f"{total:,}, of which {len(self.failed):,} failed: {numbers}{advice}")
        rows.append(("rejected", f"{self.rejected:,}"))
        optional = (
            (self.known, "not sent again", f"{self.known:,}, there from an earlier session"),
            (self.unknown, "unknown", f"{self.unknown:,} (sent, but no answer came)"),
        )
        rows += [(label, text) for count, label, text in optional if count]
        requests = self._sum("requests")
        plural = "" if requests == 1 else "s"
        rows.append(("sent", f"{requests:,} request{plural}, {size_text(self._sum('sent_bytes'))}"))
        troubles = sum((Counter(each.troubles) for each in self.outcomes), Counter[str]())
        if troubles:
            rows.append(("sent again after", ", ".join(f"{what}: {count:,}" for what, count in troubles.items())))
        rate = f", {self.rows / self.seconds:,.0f} rows/s" if self.seconds > 0 else ""
        rows.append(("time", f"{self.seconds:,.2f} s{rate}"))
        if self.ignored:
            rows.append(("ignored", f"columns that feed no field: {', '.join(self.ignored)}"))
        rules = sorted({each.key_rule for each in self.outcomes if each.key_rule is not None})
        return [*rows, *(("key", rule) for rule in rules)]

    def _tables(self) -> list[tuple[str, list[str], list[tuple[object, ...]]]]:
        """Return what stands below the counts: captions, headers and rows."""
        tables: list[tuple[str, list[str], list[tuple[object, ...]]]] = []
        errors = [(each.number, each.origin, each.error) for each in self.outcomes if each.error is not None]
        if errors:
            more = f"; {len(errors) - SHOWN:,} more in report.partitions" if len(errors) > SHOWN else ""
            tables.append((f"Failed partitions{more}", ["partition", "origin", "error"], list(errors[:SHOWN])))
        rejects = _joined([(each, each.rejects) for each in self.outcomes], REJECTS)
        if len(rejects):
            shown: list[tuple[object, ...]] = [tuple(each.values()) for each in rejects.slice(0, SHOWN).to_pylist()]
            more = f"; {len(rejects) - len(shown):,} more in report.rejects" if len(rejects) > len(shown) else ""
            tables.append((f"Rejects{more}", rejects.column_names, shown))
        return tables

    def __repr__(self) -> str:
        """Return the counts, the failed partitions and the first rejects as text."""
        first, *rest = self._summary()
        text = text_table(first, rest, f"Upload in partitions → {self.collection}", limit=SUMMARY_LENGTH)
        return "\n\n".join([text, *(text_table(header, rows, caption) for caption, header, rows in self._tables())])

    def _repr_html_(self) -> str:
        html = html_table((f"Upload in partitions → {self.collection}", ""), self._summary())
        return html + "".join(html_table(header, rows, caption) for caption, header, rows in self._tables())


_PARTITIONS = pa.schema(
    [
        ("partition", pa.int64()),
        ("origin", pa.string()),
        *((name, pa.int64()) for name in COUNTS),
        ("seconds", pa.float64()),
        ("host", pa.string()),
        ("error", pa.string()),
    ]
)


def _row(each: Outcome) -> dict[str, object]:
    about = {"partition": each.number, "origin": each.origin, "seconds": each.seconds, "host": each.host}
    return {**about, **each.counts, "error": each.error}


def _joined(tables: list[tuple[Outcome, pa.Table]], schema: pa.Schema) -> pa.Table:
    """Return tables of the partitions as one, with two columns before them that say which each is of."""
    named = pa.schema([("partition", pa.int64()), ("origin", pa.string()), *schema])
    parts = [
        pa.table([pa.repeat(each.number, len(table)), pa.repeat(each.origin, len(table)), *table.columns], schema=named)
        for each, table in tables
        if len(table)
    ]
    return pa.concat_tables([named.empty_table(), *parts])
