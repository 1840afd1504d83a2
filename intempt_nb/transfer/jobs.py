"""What is to be uploaded, ready to be read: the source on disk, its columns matched, its keys provided for."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pyarrow as pa

from intempt_nb.api.origin import Origin
from intempt_nb.codecs.rows.columnar import open_ipc
from intempt_nb.codecs.rows.csv_dialect import CsvOptions, require_encoding
from intempt_nb.codecs.rows.files import file_digest
from intempt_nb.codecs.rows.tabular import is_csv, open_tabular
from intempt_nb.errors import UploadError
from intempt_nb.transfer.batches import Cutter
from intempt_nb.transfer.deadletters import has_ids, is_dead_letters, open_dead_letters, require_texts
from intempt_nb.transfer.journal import Run
from intempt_nb.transfer.keys import adopt_ids, maker_for
from intempt_nb.transfer.options import Delivery, MissingValues, UploadOptions
from intempt_nb.transfer.prepare import plan_columns, prepare
from intempt_nb.transfer.report import Letters, UploadReport
from intempt_nb.transfer.spool import spool
from intempt_nb.transfer.state import state_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.transfer.batches import Batch, Routing
    from intempt_nb.transfer.keys import KeyMaker
    from intempt_nb.transfer.options import OnUnknown, Target
    from intempt_nb.transfer.prepare import ColumnPlan, Prepared
    from intempt_nb.transfer.report import Again
    from intempt_nb.transfer.tally import Tally

    Look = Callable[[], None]

__all__ = ["Job", "SourceChangedError", "make_job", "options_of", "place_of"]


class SourceChangedError(UploadError):
    """The file is not what it was when its upload began."""


def _nothing() -> None:
    pass


def make_job(
    target: Target, source: Any, options: UploadOptions, *, copied: bool, fixed: bool, look: Look = _nothing
) -> Job:
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
    look
        Called from time to time; what it raises ends the work.

    Raises
    ------
    DataError
        If the source cannot be opened, lacks a required column, or cannot be mapped or keyed as the options say; if
        what rows put right say was lost, in pandas or in another encoding.
    UploadError
        If there is no room for a copy.
    """
    opened, is_copy = _opened(source, options, look, copied=copied, fixed=fixed)
    try:
        return _made(target, opened, options, is_copy=is_copy, fixed=fixed)
    except BaseException:
        if is_copy:
            _remove(opened)
        raise


def _opened(source: Any, options: UploadOptions, look: Look, *, copied: bool, fixed: bool) -> tuple[Tabular, bool]:
    """Return a source, and whether it is a copy that was made here."""
    if fixed and is_csv(source):
        require_encoding(Path(source), options.csv)
    if copied and isinstance(source, pa.RecordBatchReader):  # may be more than the memory holds
        return replace(_copy(source, look), origin="RecordBatchReader"), True
    opened = open_tabular(source, **asdict(options.csv if is_csv(source) or not fixed else CsvOptions()))
    path = opened.path
    if path is not None:
        return replace(opened, digest=cache(lambda: file_digest(path, look))), False
    if not copied:
        return opened, False
    copy = _copy(pa.RecordBatchReader.from_batches(opened.schema, (block.batch for block in opened.blocks())), look)
    return replace(opened, path=copy.path, read=copy.read, digest=copy.digest), True


def _copy(rows: pa.RecordBatchReader, look: Look) -> Tabular:
    """Return a source that reads from a copy of rows in the state folder."""
    spooled = spool(rows, state_folder(), look)
    return replace(open_ipc(spooled.path), digest=lambda: spooled.digest)


def _remove(copy: Tabular) -> None:
    if copy.path is not None:
        copy.path.unlink(missing_ok=True)


def _made(target: Target, opened: Tabular, options: UploadOptions, *, is_copy: bool, fixed: bool) -> Job:
    stamp = opened.stamp()
    is_put_right = fixed or is_dead_letters(opened)
    if fixed:
        opened = replace(opened, decimal=options.csv.decimal)
    opened = open_dead_letters(replace(opened, digest=cache(opened.digest)))
    if is_put_right:
        require_texts(opened, target.schema, options.columns)
    # Rows may have been added to those whose keys were made.
    rule = "row" if options.key is None and has_ids(opened) else options.key
    opened, mapped = adopt_ids(opened, target, options.columns)
    maker = maker_for(target, opened, rule, mapped)
    made = () if maker is None else (maker.name,)
    columns = plan_columns(target.schema, opened, made, mapped)
    return Job(
        target, opened, columns, maker, options, stamp, is_copy, maker is not None and rule is None and not fixed
    )


def place_of(base_url: str) -> str:
    """Return what stands for a server in a run's identity: its port is left out where it is this machine."""
    origin = Origin.of(base_url)
    return ("loopback" if origin.is_loopback else str(origin)) + urlsplit(base_url).path.rstrip("/")


def options_of(run: Run) -> UploadOptions:
    """Return the options of a run that are known of it."""
    told = run.options
    return UploadOptions(
        csv=CsvOptions(**{each.name: told[each.name] for each in fields(CsvOptions)}),
        missing=MissingValues(told["nulls"], told["nan"]),
        key=told["key"],
        columns=told.get("columns", {}),
        delivery=Delivery(cast("OnUnknown", run.on_unknown)),
    )


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
    is_keyed_unasked
        Whether keys are made only because the source has none, for rows that are not of an earlier upload.
    """

    target: Target
    source: Tabular
    columns: ColumnPlan
    maker: KeyMaker | None
    options: UploadOptions
    stamp: tuple[int, int] | None
    is_copy: bool
    is_keyed_unasked: bool

    def has_changed(self) -> bool:
        """Return whether the file is not what it was when it was opened."""
        return not self.is_copy and self.source.stamp() != self.stamp

    def batches(self, routing: Routing, tally: Tally, look: Look = _nothing) -> Generator[tuple[int, Batch]]:
        """Read, check, convert and cut; see :class:`Cutter`. `look` is called for each block of rows.

        Raises
        ------
        SourceChangedError
            Before a batch that a changed file may have gone into.
        """
        cutter = Cutter(self.target, self.options.limits, self.options.missing.nulls, routing, tally)
        with closing(cutter.batches(self._with_keys(self._prepared(look)))) as batches:
            for each in batches:
                self._require_unchanged()  # what was read before this, and only that, is of the content that it says
                yield each
        self._require_unchanged()

    def discard(self) -> None:
        """Remove the copy, if it is one."""
        if self.is_copy:
            _remove(self.source)

    def _require_unchanged(self) -> None:
        if self.has_changed():
            raise SourceChangedError(
                f"{self.source.origin} has changed while it was uploaded; upload it again as it is now"
            )

    def run(self, org: str, base_url: str, retry_of: str | None, group: str | None = None) -> Run:
        """Return what identifies this upload."""
        return Run(
            content=self.source.digest(),
            columns=tuple(self.source.schema.names),
            schema=json.dumps(self.target.schema.to_avro(), sort_keys=True),
            org=org,
            host=place_of(base_url),
            collection_id=self.target.collection_id,
            collection=self.target.collection,
            source_id=self.target.source_id,
            key=self.target.key,
            options=self.options.deciding(),
            origin=self.source.origin,
            path=None if self.source.path is None else str(self.source.path.absolute()),
            base_url=base_url,
            retry_of=retry_of,
            on_unknown=self.options.delivery.on_unknown,
            group=group,
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
            refused_before=tally.refused_before,
            letters=Letters(self.source, None if self.is_copy else self.stamp, dict(tally.statuses), self.maker, again),
        )

    def _prepared(self, look: Look) -> Iterator[Prepared]:
        filled, key = None, self.target.key
        if self.maker is not None:
            filled, key = self.maker.name, self.maker.made_of
        nan_is_null = self.options.missing.nan == "null"
        for block in prepare(
            self.source, self.target.schema, self.columns, key, nan_is_null=nan_is_null, filled=filled
        ):
            look()
            yield block

    def _with_keys(self, blocks: Iterator[Prepared]) -> Iterator[Prepared]:
        for block in blocks:
            if self.maker is None:
                yield block
            else:
                yield replace(block, batch=self.maker.complete(block.batch, block.rows, self.target.schema))
