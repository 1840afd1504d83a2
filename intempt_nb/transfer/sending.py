"""Batches → requests, several at once; what the server refuses is narrowed down to the rows it means."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from intempt_nb.api import endpoints
from intempt_nb.codecs.ahead import result_of
from intempt_nb.display import shorten
from intempt_nb.errors import DeliveryUnknownError, RejectedError
from intempt_nb.transfer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from intempt_nb.api.transport import Transport
    from intempt_nb.transfer.batches import Batch
    from intempt_nb.transfer.options import Target

__all__ = ["send_all"]

WAITING_REQUESTS = 256
WAITING_BYTES = 32 << 20
"""Batches are made ahead up to here, so that the workers have some while the next block is read and encoded."""


def send_all(transport: Transport, target: Target, batches: Iterable[Batch], workers: int, tally: Tally) -> None:
    """Send batches, begun in their order.

    Parameters
    ----------
    transport
        The connection.
    target
        Where they go.
    batches
        Drawn as they are needed.
    workers
        Requests under way at once.
    tally
        Is told what came of them.

    Raises
    ------
    ApiError, TransportError
        If the server cannot be used. As with any error, requests not begun are left out then, and a note says how far
        it came.
    """
    pending: deque[tuple[Future[Tally], int]] = deque()
    waiting = 0
    failed = Event()
    with ThreadPoolExecutor(workers, thread_name_prefix="intempt-upload") as pool:
        try:
            for batch in batches:
                size = batch.body_bytes(target.collection)
                pending.append((pool.submit(_send, transport, target, batch, failed), size))
                waiting += size
                while pending and (pending[0][0].done() or _is_enough(len(pending), waiting, workers)):
                    waiting -= _settle(pending, tally)
            while pending:
                _settle(pending, tally)
        except BaseException as error:
            failed.set()
            pool.shutdown(cancel_futures=True)
            _note(error, [future for future, _ in pending], tally)
            raise


def _settle(pending: deque[tuple[Future[Tally], int]], tally: Tally) -> int:
    """Wait for the first request and note what came of it; return its size."""
    future, size = pending[0]
    outcome = result_of(future)  # an interruption here leaves it among the pending, which are still looked at
    pending.popleft()
    tally.add(outcome)
    return size


def _is_enough(count: int, size: int, workers: int) -> bool:
    return count > 2 * workers and (count > WAITING_REQUESTS or size > WAITING_BYTES)


def _note(error: BaseException, pending: Iterable[Future[Tally]], tally: Tally) -> None:
    """Say on the error how far the upload came."""
    for future in pending:
        if future.done() and not future.cancelled() and future.exception() is None:
            tally.add(future.result())
    if tally.accepted:
        error.add_note(
            f"Before this, {tally.accepted:,} rows were accepted, and they stay. "
            "To send them again is harmless: rows with a known key overwrite themselves."
        )


def _send(transport: Transport, target: Target, batch: Batch, failed: Event) -> Tally:
    """Send one batch, unless another one failed for good."""
    tally = Tally()
    waiting = [batch]
    try:
        while waiting and not failed.is_set():
            waiting += _post(transport, target, waiting.pop(), tally)
    except BaseException:
        failed.set()
        raise
    return tally


def _post(transport: Transport, target: Target, batch: Batch, tally: Tally) -> list[Batch]:
    """Post a batch; return what to send instead if the server refuses it."""
    body = batch.body(target.collection)
    tally.requests += 1
    tally.sent_bytes += len(body)
    try:
        endpoints.post_source_data(transport, target.source_id, body, idempotent=True)
    except DeliveryUnknownError:
        tally.unknown.append(batch.rows)
    except RejectedError as error:
        if error.status not in (400, 413, 422):
            raise
        return _narrow(batch, error, target, tally)
    else:
        tally.accepted += len(batch)
    return []


def _narrow(batch: Batch, error: RejectedError, target: Target, tally: Tally) -> list[Batch]:
    """Return what to send instead of a refused batch; rows that are known to be bad are noted."""
    count = len(batch)
    named = _named_rows(error, target, count)
    if named:
        found = np.fromiter(named, np.int64)
        reasons = [f"refused by the server: {message}" for _, message in named.values()]
        tally.reject(batch.rows[found], reasons, [path for path, _ in named.values()])
        rest = np.setdiff1d(np.arange(count), found)
        return [batch.pick(rest)] if len(rest) else []
    if count == 1:
        tally.reject(batch.rows, [f"refused by the server: {shorten(error.message, 300)}"])
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
