"""Anything tabular → planned batches → posts → `UploadReport`.

The rows are checked and converted here first, so that a bad row costs no request; what the server refuses all the
same is narrowed down to the rows it means, and the others get through.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.errors import ConfigurationError
from intempt_nb.schema.checking.matching import match_name
from intempt_nb.schema.model import String, without_null
from intempt_nb.transfer.batches import cut_batches
from intempt_nb.transfer.options import Limits, MissingValues, Target
from intempt_nb.transfer.prepare import Prepared, plan_columns, prepare
from intempt_nb.transfer.report import UploadReport
from intempt_nb.transfer.sending import send_all
from intempt_nb.transfer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from intempt_nb.api.transport import Transport
    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.transfer.batches import Batch

__all__ = ["upload"]


def upload(
    transport: Transport,
    target: Target,
    source: Tabular,
    *,
    limits: Limits | None = None,
    missing: MissingValues | None = None,
    workers: int = 1,
    dry_run: bool = False,
    progress: bool | None = None,
) -> UploadReport:
    """Upload rows into a collection through the bulk endpoint.

    Parameters
    ----------
    transport
        The connection.
    target
        The collection; its primary identifier makes a repeated post harmless.
    source
        The rows.
    limits
        How they are cut into requests.
    missing
        How nulls and numbers that are not finite are sent.
    workers
        Requests under way at once. With more than one, rows with the same key may arrive in another order than the
        file's, so that the later one need not win.
    dry_run
        Check and plan, send nothing.
    progress
        A bar on the terminal or in the notebook; None for where someone can see it.

    Returns
    -------
    UploadReport
        Counts and rejects. Rows whose answer never came are counted as unknown.

    Raises
    ------
    ConfigurationError
        If `workers` is no number of at least 1.
    DataError
        Before anything is sent: a required field has no column. While sending: a column is of the wrong kind, or the
        source cannot be read on.
    ApiError, TransportError
        If the server cannot be used (wrong key, not found, down for longer than the retries). A note on the error says
        how far the upload came; to send the same again is harmless.
    """
    start = time.perf_counter()
    if not isinstance(workers, int) or workers < 1:
        raise ConfigurationError(f"workers is {workers!r}; expected a whole number of at least 1")
    limits = Limits() if limits is None else limits
    missing = MissingValues() if missing is None else missing
    made = _key_to_make(target, source)
    plan = plan_columns(target.schema, source, supplied=made)
    tally = Tally()

    def make_batches() -> Generator[Batch]:
        prepared = prepare(source, target.schema, plan, target.key, nan_is_null=missing.nan == "null")
        blocks = _with_keys(_with_progress(prepared, source, progress), source, made)
        return cut_batches(blocks, target, limits, missing.nulls, tally)

    # Closed here, a file and threads do not stay for as long as someone keeps an error.
    with closing(make_batches()) as batches:
        if dry_run:
            for batch in batches:
                tally.requests += 1
                tally.sent_bytes += batch.body_bytes(target.collection)
        else:
            send_all(transport, target, batches, workers, tally)
    unknown = tally.unknown_rows()
    return UploadReport(
        collection=target.collection,
        origin=source.origin,
        numbering=source.numbering,
        rows=tally.rows,
        planned=tally.planned,
        accepted=tally.accepted,
        rejected=tally.rejected,
        unknown=len(unknown),
        blank=tally.blank,
        requests=tally.requests,
        sent_bytes=tally.sent_bytes,
        seconds=time.perf_counter() - start,
        ignored=plan.ignored,
        key_rule=f"{made[0]}: made of the content's SHA-256 and the row number" if made else None,
        rejects_table=tally.rejects_table(),
        unknown_rows=unknown,
        dry_run=dry_run,
    )


def _key_to_make(target: Target, source: Tabular) -> tuple[str, ...]:
    """Return the primary key's field if it is text and the source has no column for it, so that it can be made."""
    if len(target.key) != 1:
        return ()
    known = target.schema[target.key[0]]
    if without_null(known.type) != String():
        return ()
    return target.key if match_name(known, source.schema.names) is None else ()


def _with_keys(blocks: Iterator[Prepared], source: Tabular, made: Sequence[str]) -> Iterator[Prepared]:
    """Yield the blocks; with a key if there is one to be made."""
    digest = source.digest()[:16] if made else ""
    for block in blocks:
        yield _with_key(block, made[0], digest) if made else block


def _with_key(block: Prepared, name: str, digest: str) -> Prepared:
    """Add a key that the same row of the same content always gets, so that a second upload overwrites."""
    key = pc.binary_join_element_wise(pa.scalar(digest), block.rows.cast(pa.string()), pa.scalar("-"))
    schema = block.batch.schema.insert(0, pa.field(name, pa.string(), nullable=False))
    batch = pa.RecordBatch.from_arrays([key, *block.batch.columns], schema=schema)
    return Prepared(batch, block.rows, block.rejects, block.rejected, block.blank)


def _with_progress(blocks: Iterator[Prepared], source: Tabular, progress: bool | None) -> Iterator[Prepared]:
    from tqdm.auto import tqdm  # not needed before there is something to show

    bar = tqdm(total=source.length, unit=" rows", unit_scale=True, disable=None if progress is None else not progress)
    with bar:
        for block in blocks:
            yield block
            bar.update(len(block.rows) + block.rejected)
