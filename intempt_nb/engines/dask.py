"""Dask: a collection as a dask DataFrame, and a dask DataFrame or files into a collection.

>>> import intempt_nb as inb
>>> purchases = inb.engines.dask.load(client.collections["purchases"])
>>> purchases.groupby("shop").amount.sum().compute()
>>> report = inb.engines.dask.upload("purchases/*.parquet", client.collections["purchases"], key="content")
>>> report.failed and report.retry()
"""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.engines.dask_cluster import Cluster
from intempt_nb.engines.dask_load import load
from intempt_nb.engines.dask_local import Local
from intempt_nb.engines.dask_tasks import source_of
from intempt_nb.engines.keys import lot_of
from intempt_nb.engines.outcomes import EngineReport, Outcome, lost
from intempt_nb.engines.pacing import pacing
from intempt_nb.engines.partitions import Order
from intempt_nb.engines.places import Place
from intempt_nb.errors import UploadInterrupted
from intempt_nb.extras import require
from intempt_nb.transfer.options import Delivery, Limits, MissingValues, UploadOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from intempt_nb.engines.dask_tasks import Files, Frame
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.transfer.keys import KeyRule
    from intempt_nb.transfer.options import OnUnknown, Target

__all__ = ["load", "upload"]


def upload(
    source: str | PathLike[str] | Sequence[str | PathLike[str]] | Any,
    collection: CollectionHandle,
    *,
    key: KeyRule = None,
    at_least_once: bool = False,
    columns: Mapping[str, str | None] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    quotechar: str | None = '"',
    decimal: str = ".",
    nulls: Literal["explicit", "omit"] = "explicit",
    nan: Literal["reject", "null"] = "reject",
    limits: Limits | None = None,
    workers: int = 1,
    on_unknown: OnUnknown = "repost",
    resume: bool = True,
    rate: float | None = None,
    progress: bool | None = None,
) -> EngineReport:
    """Upload the partitions of a dask DataFrame, or files, with dask's workers; at once, and with one report.

    It runs on the cluster whose ``distributed.Client`` there is, otherwise as dask is configured: with threads,
    processes or synchronously. What reads a partition and what sends it is one task wherever dask can make it one, so
    that a worker holds no more of them than it has threads. A partition that fails costs no other: ``report.failed``
    names it, and ``report.retry()`` uploads those that failed alone.

    A worker that dies has its partition uploaded again by another one, whatever it had sent; where dask runs processes
    without a cluster, all partitions that have not ended then fail, and wait for ``retry()``. So that no row is there
    twice, each needs a key which does not depend on the partitions: its own, or one made with `key`. Rows with the
    same key overwrite each other, inside a partition in their order; partitions go side by side, so that which of two
    rows in different ones is the last cannot be said. Also, a late worker may bring a row's older value once more.

    Workers take the API key from their own environment (``INTEMPT_API_KEY``) or keyring: it is in no task. For workers
    on this machine, call ``inb.engines.lend_key(client)`` before the cluster starts.

    Parameters
    ----------
    source
        A dask DataFrame; or a path or pattern of files (``"purchases/**/*.csv"``), or a list of such, of the kinds that
        ``collection.upload`` takes. A file is a partition, read in blocks, and with a journal on the worker's machine;
        workers see it under the same path. The first is looked into before anything is sent; what is wrong with
        another is told in the report. One huge file is divided with ``dask.dataframe.read_parquet`` or ``read_csv``,
        and then needs keys; dask may join parts of what it reads, and the report has the partitions that were sent.
    collection
        Where the rows go.
    key
        How rows without a value for the primary key get one, as ``collection.upload`` has it. ``"row"`` is for files
        only, and what they get if it is left out.
    at_least_once
        Whether rows of a DataFrame go without a key of their own, and without `key`. A worker that dies leaves none of
        them twice as long as the partition is the same each time it is made; another call does.
    columns, encoding, delimiter, quotechar, decimal, nulls, nan, limits, on_unknown
        As ``collection.upload`` has them.
    workers
        Requests under way at once for each partition.
    resume
        Whether rows of files are left out that an earlier upload of the same files from the same machine has brought,
        unless others were uploaded into the collection since. A file more, or another one, and all are sent.
    rate
        Requests a second that the server is known to allow, for all workers together; None to find out.
    progress
        A bar; None for where someone can see it. In a notebook it is the one of ``distributed``.

    Returns
    -------
    EngineReport
        Counts of all rows, rejects, and what became of each partition.

    Raises
    ------
    DataError
        Before anything is sent: there are no such files, two have the same content, or the columns do not fit the
        collection.
    ConfigurationError
        Rows have no key that does not depend on the partitions, workers have no API key, or an option has a value that
        it does not know.
    RejectedError
        The collection has no primary identifier yet.
    ApiError, TransportError
        The server cannot be used.
    UploadInterrupted
        After Ctrl-C, which waits for the requests under way, and dask's own processes for their partitions; a second
        one does not. With the report so far, whose ``retry()`` uploads the partitions that are missing.

    Warns
    -----
    UserWarning
        If the cluster has no workers: the upload waits for some.
    """
    require("dask.dataframe", "dask")
    options = UploadOptions(
        csv=CsvOptions(encoding, delimiter, quotechar, decimal),
        missing=MissingValues(nulls, nan),
        key=key,
        columns={} if columns is None else columns,
        limits=Limits() if limits is None else limits,
        delivery=Delivery(on_unknown),
        workers=workers,
        progress=False,
    )
    divided, target = source_of(source, options.csv), collection._target()
    lot = lot_of(target, divided.sample, options, whole_files=divided.whole_files, at_least_once=at_least_once)
    shown = _is_seen() if progress is None else progress
    return _Upload(divided, Place.of(collection._transport), target, options, lot, resume, rate, shown).run(None)


@dataclass(frozen=True, slots=True)
class _Upload:
    """A checked upload: run for all partitions, and again for some."""

    source: Frame | Files
    place: Place
    target: Target
    options: UploadOptions
    lot: str | None
    resume: bool
    rate: float | None
    shown: bool

    def run(self, numbers: tuple[int, ...] | None) -> EngineReport:
        """Upload the partitions of these numbers, or all."""
        begun = time.perf_counter()
        scheduler = _scheduler()
        scheduler.check(self.place)
        paced = (
            pacing(self.place, scheduler.processes, rate=self.rate, host=scheduler.host)
            if scheduler.is_apart or self.rate is not None
            else nullcontext()
        )
        found = dict[int, Outcome | str]()
        with paced as pace:
            order = Order(self.place, self.target, self.options, pace, self.lot, self.resume, self.source.name)
            tasks = dict(enumerate(self.source.tasks(order)))
            wanted = tuple(tasks) if numbers is None else numbers
            try:
                scheduler.run(
                    {number: tasks[number] for number in wanted},
                    order.call,
                    self.source.origin,
                    found,
                    shown=self.shown,
                )
            except KeyboardInterrupt:
                interrupted = UploadInterrupted("the upload was interrupted")
                interrupted.report = self._report(wanted, found, begun)
                interrupted.add_note("error.report.retry() uploads the partitions that are missing.")
                raise interrupted from None
        return self._report(wanted, found, begun)

    def _report(self, numbers: Sequence[int], found: Mapping[int, Outcome | str], begun: float) -> EngineReport:
        outcomes = [
            each if isinstance(each, Outcome) else lost(each, number, self.source.origin(number))
            for number in numbers
            for each in [found.get(number, "it was not begun, or cut short")]
        ]
        return EngineReport(self.target.collection, tuple(outcomes), time.perf_counter() - begun, self.run)


def _is_seen() -> bool:
    """Return whether someone can see a bar: on a terminal, or in a notebook."""
    from distributed.utils import is_kernel

    return sys.stderr.isatty() or bool(is_kernel())


def _scheduler() -> Cluster | Local:
    """Return what dask runs tasks with now."""
    from dask import threaded
    from dask.base import get_scheduler

    get = get_scheduler() or threaded.get
    owner = getattr(get, "__self__", None)
    return Cluster(owner) if type(owner).__module__.startswith("distributed.") else Local(get)
