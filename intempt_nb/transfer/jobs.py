"""What is to be uploaded, ready to be read: the source on disk, its columns matched, its keys provided for."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from intempt_nb.api.origin import Origin
from intempt_nb.codecs.rows.columnar import open_ipc
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.tabular import is_csv, open_tabular
from intempt_nb.transfer.batches import Cutter
from intempt_nb.transfer.deadletters import open_dead_letters
from intempt_nb.transfer.journal import Run
from intempt_nb.transfer.keys import ID, adopt_ids, maker_for
from intempt_nb.transfer.options import MOST_WORKERS
from intempt_nb.transfer.prepare import plan_columns, prepare
from intempt_nb.transfer.report import Letters, UploadReport
from intempt_nb.transfer.spool import spool
from intempt_nb.transfer.state import state_folder

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.transfer.batches import Batch, Routing
    from intempt_nb.transfer.keys import KeyMaker
    from intempt_nb.transfer.options import Target, UploadOptions
    from intempt_nb.transfer.prepare import ColumnPlan, Prepared
    from intempt_nb.transfer.report import Again
    from intempt_nb.transfer.tally import Tally

__all__ = ["Job", "make_job"]


def make_job(target: Target, source: Any, options: UploadOptions, *, copied: bool, fixed: bool) -> Job:
    """Open a source and prepare what an upload needs of it.

    Parameters
    ----------
    target
        The collection.
    source
        The rows, as :func:`open_tabular` takes them.
    options
        How they are uploaded.
    copied
        Whether what is no file is copied to one, so that the upload can be gone on with.
    fixed
        Whether the rows come from an earlier source of the kind that the options are for.

    Raises
    ------
    DataError
        If the source cannot be opened, lacks a required column, or cannot be keyed as the options say.
    UploadError
        If there is no room for a copy.
    """
    csv = options.csv if is_csv(source) or not fixed else CsvOptions()
    if copied and isinstance(source, pa.RecordBatchReader):  # may be more than the memory holds
        opened, is_copy = replace(_copy(source, target), origin="RecordBatchReader"), True
    else:
        opened = open_tabular(source, **asdict(csv))
        is_copy = copied and opened.path is None
        if is_copy:
            batches = (block.batch for block in opened.blocks())
            copy = _copy(pa.RecordBatchReader.from_batches(opened.schema, batches), target)
            opened = replace(opened, path=copy.path, read=copy.read, digest=copy.digest)
    if fixed:
        opened = replace(opened, decimal=options.csv.decimal)
    stamp = opened.stamp()
    opened = open_dead_letters(replace(opened, digest=cache(opened.digest)))
    rule = "row" if options.key is None and ID in opened.schema.names else options.key  # rows may have been added
    opened = adopt_ids(opened, target)
    maker = maker_for(target, opened, rule)
    made = () if maker is None else (maker.name,)
    columns = plan_columns(target.schema, opened, supplied=made)
    return Job(target, opened, columns, maker, options, stamp, is_copy)


def _copy(rows: pa.RecordBatchReader, target: Target) -> Tabular:
    """Return a source that reads from a copy of rows in the state folder, which no other collection's upload has."""
    spooled = spool(rows, state_folder())
    path = spooled.path.replace(spooled.path.with_stem(f"{spooled.digest[:32]}-{target.collection_id}"))
    return replace(open_ipc(path), digest=lambda: spooled.digest)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be uploaded, where to, and how.

    Parameters
    ----------
    target
        The collection.
    source
        The rows.
    columns
        Which of its columns go into which fields.
    maker
        Makes keys for rows without one; None if every row has to bring its own.
    options
        How.
    stamp
        What `Tabular.stamp` said when the source was opened.
    is_copy
        Whether the source is a copy that was made for this upload.
    """

    target: Target
    source: Tabular
    columns: ColumnPlan
    maker: KeyMaker | None
    options: UploadOptions
    stamp: tuple[int, int] | None
    is_copy: bool

    @property
    def workers(self) -> int:
        """Requests under way at once: where nobody said how many, one for each that the source fills, up to four."""
        if self.options.workers is not None:
            return self.options.workers
        limits, rows = self.options.limits, self.source.length
        filled = (self.stamp or (0, 0))[0] // limits.batch_bytes if rows is None else rows // limits.batch_rows
        return min(max(filled, 1), MOST_WORKERS)

    def batches(self, routing: Routing, tally: Tally) -> Generator[tuple[int, Batch]]:
        """Read, check, convert and cut; see :class:`Cutter`."""
        cutter = Cutter(self.target, self.options.limits, self.options.missing.nulls, routing, tally)
        return cutter.batches(self._with_keys(self._with_progress(self._prepared())))

    def run(self, org: str, base_url: str) -> Run:
        """Return what identifies this upload."""
        origin = Origin.of(base_url)
        return Run(
            content=self.source.digest(),
            columns=tuple(self.source.schema.names),
            schema=json.dumps(self.target.schema.to_avro(), sort_keys=True),
            org=org,
            host="loopback" if origin.is_loopback else str(origin),
            collection_id=self.target.collection_id,
            collection=self.target.collection,
            source_id=self.target.source_id,
            key=self.target.key,
            options=self.options.deciding(),
            origin=self.source.origin,
            path=None if self.source.path is None else str(self.source.path.absolute()),
            base_url=base_url,
        )

    def report(self, tally: Tally, started: float, again: Again) -> UploadReport:
        """Return what is known after all rows, or as far as it came."""
        unknown = tally.unknown_rows()
        return UploadReport(
            collection=self.target.collection,
            origin=self.source.origin,
            numbering=self.source.numbering,
            rows=tally.rows,
            planned=tally.planned,
            accepted=tally.accepted + tally.known,
            known=tally.known,
            rejected=tally.rejected,
            unknown=len(unknown),
            repeated=tally.repeats.count(),
            blank=tally.blank,
            requests=tally.requests,
            sent_bytes=tally.sent_bytes,
            seconds=time.perf_counter() - started,
            ignored=self.columns.ignored,
            key_rule=None if self.maker is None else str(self.maker),
            rejects_table=tally.rejects_table(),
            unknown_rows=unknown,
            letters=Letters(self.source, None if self.is_copy else self.stamp, dict(tally.statuses), self.maker, again),
        )

    def _prepared(self) -> Iterator[Prepared]:
        filled, key = None, self.target.key
        if self.maker is not None:
            filled, key = self.maker.name, self.maker.made_of
        nan_is_null = self.options.missing.nan == "null"
        return prepare(self.source, self.target.schema, self.columns, key, nan_is_null=nan_is_null, filled=filled)

    def _with_keys(self, blocks: Iterator[Prepared]) -> Iterator[Prepared]:
        for block in blocks:
            if self.maker is None:
                yield block
            else:
                yield replace(block, batch=self.maker.complete(block.batch, block.rows, self.target.schema))

    def _with_progress(self, blocks: Iterator[Prepared]) -> Iterator[Prepared]:
        from tqdm.auto import tqdm  # not needed before there is something to show

        hidden = None if self.options.progress is None else not self.options.progress
        with tqdm(total=self.source.length, unit=" rows", unit_scale=True, disable=hidden) as bar:
            for block in blocks:
                yield block
                bar.update(len(block.rows) + block.rejected)
