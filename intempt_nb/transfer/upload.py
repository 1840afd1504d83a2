"""Anything tabular → planned batches → posts → `UploadReport`.

The rows are checked and converted here first, so that a bad row costs no request; what the server refuses all the
same is narrowed down to the rows it means, and the others get through.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.api import endpoints
from intempt_nb.codecs.wire.bodies import cut, encode_rows, join_rows
from intempt_nb.display import shorten
from intempt_nb.errors import ConfigurationError, DeliveryUnknownError, RejectedError
from intempt_nb.schema.checking.matching import match_name
from intempt_nb.schema.checking.rejects import REJECTS
from intempt_nb.schema.model import String, without_null
from intempt_nb.transfer.prepare import Prepared, plan_columns, prepare
from intempt_nb.transfer.report import UploadReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from intempt_nb.api.transport import Transport
    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.codecs.wire.bodies import EncodedRows
    from intempt_nb.schema.schema import Schema

__all__ = ["Limits", "Target", "upload"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How rows are cut into requests.

    The defaults stay under what a public README of the vendor gives: 500 KB a batch, 32 KB an item.

    Parameters
    ----------
    batch_rows, batch_bytes
        The most rows and bytes of a request.
    item_bytes
        The most bytes of a row as JSON; a larger one is rejected.

    Raises
    ------
    ConfigurationError
        For a limit below 1.
    """

    batch_rows: int = 5_000
    batch_bytes: int = 480_000
    item_bytes: int = 32_000

    def __post_init__(self) -> None:
        for name in ("batch_rows", "batch_bytes", "item_bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} is {value!r}; expected a whole number of at least 1")


@dataclass(frozen=True, slots=True)
class Target:
    """Where the rows go: a collection, and the fields of its primary identifier."""

    source_id: str
    collection: str
    schema: Schema
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows for one request: indices into encoded lines, and the row number of each."""

    lines: EncodedRows
    indices: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]

    def pick(self, chosen: npt.NDArray[Any]) -> _Batch:
        """Return a batch of some of the rows."""
        return _Batch(self.lines, self.indices[chosen], self.rows[chosen])


@dataclass(slots=True)
class _Tally:
    """What is known so far."""

    rows: int = 0
    planned: int = 0
    accepted: int = 0
    rejected: int = 0
    blank: int = 0
    requests: int = 0
    sent_bytes: int = 0
    rejects: list[pa.Table] = field(default_factory=list)
    unknown: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def reject(self, rows: npt.NDArray[np.int64], reason: str, path: str | None = None) -> None:
        """Note whole rows that are not taken."""
        nothing = pa.nulls(len(rows), pa.string())
        columns = [pa.array(rows), pa.repeat(pa.scalar(path, pa.string()), len(rows)), nothing, nothing]
        self.rejects.append(pa.table([*columns, pa.repeat(reason, len(rows))], schema=REJECTS))
        self.rejected += len(rows)

    def add(self, other: _Tally) -> None:
        """Add what one batch brought."""
        self.accepted += other.accepted
        self.rejected += other.rejected
        self.requests += other.requests
        self.sent_bytes += other.sent_bytes
        self.rejects += other.rejects
        self.unknown += other.unknown


def upload(
    transport: Transport,
    target: Target,
    source: Tabular,
    *,
    limits: Limits | None = None,
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
    made = _key_to_make(target, source)
    plan = plan_columns(target.schema, source, supplied=made)
    tally = _Tally()
    blocks = _with_progress(prepare(source, target.schema, plan, target.key), source, progress)
    if made:
        digest = source.digest()[:16]
        blocks = (_with_key(block, made[0], digest) for block in blocks)
    batches = _batches(blocks, target, limits, tally)
    if dry_run:
        for batch in batches:
            tally.requests += 1
            tally.sent_bytes += len(join_rows(target.collection, batch.lines, batch.indices))
    else:
        _send_all(transport, target, batches, workers, tally)
    rejects = pa.concat_tables([REJECTS.empty_table(), *tally.rejects])
    unknown = np.concatenate([np.array([], np.int64), *tally.unknown])
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
        rejects_table=rejects.sort_by("row"),
        unknown_rows=pa.array(np.sort(unknown)),
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


def _batches(blocks: Iterator[Prepared], target: Target, limits: Limits, tally: _Tally) -> Iterator[_Batch]:
    for block in blocks:
        tally.rows += len(block.rows) + block.rejected
        tally.rejected += block.rejected
        tally.blank += block.blank
        tally.rejects.append(block.rejects)
        lines = encode_rows(block.batch, target.schema)
        rows = block.rows.to_numpy()
        sizes, overhead = lines.sizes, len(join_rows(target.collection, lines, []))
        large = np.flatnonzero(sizes > limits.item_bytes)
        for index in large:
            reason = f"{sizes[index]:,} bytes as JSON; an item may have {limits.item_bytes:,}"
            tally.reject(rows[index : index + 1], reason)
        fitting = np.flatnonzero(sizes <= limits.item_bytes)
        tally.planned += len(fitting)
        for start, stop in cut(
            sizes[fitting], max_bytes=limits.batch_bytes, max_rows=limits.batch_rows, overhead=overhead
        ):
            yield _Batch(lines, fitting[start:stop], rows[fitting[start:stop]])


def _send_all(transport: Transport, target: Target, batches: Iterator[_Batch], workers: int, tally: _Tally) -> None:
    """Send the batches; at most twice as many wait as are under way, so that memory stays flat."""
    pending: deque[Future[_Tally]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="intempt-upload") as pool:
        try:
            for batch in batches:
                pending.append(pool.submit(_send, transport, target, batch))
                while len(pending) > 2 * workers:
                    tally.add(pending.popleft().result())
            while pending:
                tally.add(pending.popleft().result())
        except BaseException as error:
            pool.shutdown(cancel_futures=True)
            _note(error, pending, tally)
            raise


def _note(error: BaseException, pending: deque[Future[_Tally]], tally: _Tally) -> None:
    """Say on the error how far the upload came."""
    for future in pending:
        if future.done() and not future.cancelled() and future.exception() is None:
            tally.add(future.result())
    if tally.accepted:
        error.add_note(
            f"Before this, {tally.accepted:,} rows were accepted, and they stay. "
            "To send them again is harmless: rows with a known key overwrite themselves."
        )


def _send(transport: Transport, target: Target, batch: _Batch) -> _Tally:
    """Send one batch; what the server refuses is narrowed down, by its own list or by halves."""
    tally = _Tally()
    waiting = [batch]
    while waiting:
        current = waiting.pop()
        body = join_rows(target.collection, current.lines, current.indices)
        tally.requests += 1
        tally.sent_bytes += len(body)
        try:
            endpoints.post_source_data(transport, target.source_id, body, idempotent=True)
        except DeliveryUnknownError:
            tally.unknown.append(current.rows)
        except RejectedError as error:
            if error.status not in (400, 413, 422):
                raise
            waiting += _narrow(current, error, target, tally)
        else:
            tally.accepted += len(current.rows)
    return tally


def _narrow(batch: _Batch, error: RejectedError, target: Target, tally: _Tally) -> list[_Batch]:
    """Return what to send instead of a refused batch; rows that are known to be bad are noted."""
    count = len(batch.rows)
    named = _named_rows(error, target, count)
    if named:
        for index, (path, message) in named.items():
            tally.reject(batch.rows[index : index + 1], f"refused by the server: {message}", path)
        rest = np.setdiff1d(np.arange(count), np.fromiter(named, np.int64))
        return [batch.pick(rest)] if len(rest) else []
    if count == 1:
        tally.reject(batch.rows, f"refused by the server: {shorten(error.message, 300)}")
        return []
    half = count // 2
    return [batch.pick(np.arange(half, count)), batch.pick(np.arange(half))]


def _named_rows(error: RejectedError, target: Target, count: int) -> dict[int, tuple[str | None, str]]:
    """Return the rows that the server's answer names, if it has such a list: index → field and message."""
    listed = error.body.get("errors")
    named: dict[int, tuple[str | None, str]] = {}
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, dict) or each.get("collection") != target.collection:
            continue
        index, path = each.get("index"), each.get("field")
        if isinstance(index, int) and 0 <= index < count and index not in named:
            message = shorten(each.get("message", error.message), 300)
            named[index] = (path if isinstance(path, str) else None, message)
    return named
