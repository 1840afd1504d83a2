"""Spark: ``format("intempt")`` reads and writes collections, at once and as streams.

>>> inb.engines.lend_key(client)                                     # before Spark starts: its workers inherit the key
>>> spark = SparkSession.builder.getOrCreate()
>>> source = inb.engines.spark.register(spark, client)
>>> bookings = spark.read.format("intempt").option("collection", "flight-booking").load()
>>> df.write.format("intempt").mode("append").option("collection", "flight-booking").save()
>>> source.last_report
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from intempt_nb.display import html_table, text_table
from intempt_nb.engines.desk import LOOPBACK
from intempt_nb.engines.pacing import pacing
from intempt_nb.engines.places import Place
from intempt_nb.errors import ConfigurationError
from intempt_nb.extras import require

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pyspark.sql import SparkSession

    from intempt_nb.client import Client
    from intempt_nb.engines.outcomes import EngineReport
    from intempt_nb.engines.pacing import SharedPace
    from intempt_nb.engines.spark.source import IntemptDataSource as IntemptDataSource

__all__ = ["SparkSource", "register"]

_REPORTS_KEPT: Final = 100
_open: Final = set["SparkSource"]()
"""Sources answer their workers until they are closed, whether somebody holds them or not."""


def register(
    spark: SparkSession,
    client: Client,
    *,
    rate: float | None = None,
    workers: int | None = None,
    host: str | None = None,
) -> SparkSource:
    """Register the data source ``intempt`` with a Spark session, for the collections of a client.

    Reading: ``spark.read.format("intempt").option("collection", …).load()``, and ``readStream`` where the server has
    marks (the sandbox does). Writing: ``df.write.format("intempt").mode("append").option("collection", …).save()``, and
    ``writeStream``. Options:

    - ``collection``: its name or id; ``source``: its source's, where several have a collection of that name.
    - ``columns``: to read, ``"a,b"``; Spark itself does not tell a Python data source which ones it needs.
    - ``numPartitions``: in how many parts a collection is read at most; otherwise up to 64 of at least 10,000 items. A
      server without ranges has one part.
    - ``key``: ``"content"``, or columns ``"a,b"``, of which keys are made where rows have none; ``atLeastOnce``:
      ``"true"`` sends rows without keys all the same, and again where a task is run again.
    - ``onRejects``: ``"fail"`` fails the write after all rows were sent, if some were rejected; ``"report"`` does not.
    - ``nulls``, ``nan``: as :meth:`intempt_nb.collection_data.CollectionData.upload` has them.

    The types are in :mod:`intempt_nb.engines.spark.types`. A row overwrites the item that has its key, so that a task
    which Spark runs again leaves nothing twice; of rows with the same key in different partitions either may be the
    last. The same goes for a stream's batches. A stream is read by the order in which items came in: one that is
    overwritten later keeps its place there, and is not read again.

    Parameters
    ----------
    spark
        Classic, Spark Connect, or Sail (with ``pysail`` 0.7, and the ``pyspark`` that it knows: up to 4.2). The workers
        import this package, so it has to be installed there, and take the API key from their environment or keyring:
        it is in no option, setting, plan or log. Workers on this machine inherit it from
        :func:`intempt_nb.engines.lend_key`, called before the session starts.
    client
        Of the server; open for as long as the source is used.
    rate
        Requests a second that the server is known to allow, for all workers together; None to find out.
    workers
        How many tasks run at once; None for what Spark says, or (Spark Connect) the processors of this machine.
    host
        The address of this machine at which workers ask for their turn, and tell what became of rows; None for the one
        that Spark's driver has, or (Spark Connect) this machine's own, where only its processes reach it. Workers that
        do not reach it keep to their share of the rate, and the log has the reports.

    Returns
    -------
    SparkSource
        With the reports of the writes. To be closed at the end.

    Raises
    ------
    ConfigurationError
        If pyspark is not installed, the rate or the number of workers is not above zero, or Spark's settings hold the
        API key.
    OSError
        If nothing can listen at `host`.
    """
    require("pyspark.sql.datasource", "spark")
    from intempt_nb.engines.spark.settings import Home
    from intempt_nb.engines.spark.source import source_for
    from intempt_nb.engines.spark.telling import Hearing

    context = getattr(spark, "sparkContext", None)  # Spark Connect has none
    settings = {} if context is None else dict(context.getConf().getAll())
    _require_no_key(settings, client)
    if workers is None:
        workers = (os.cpu_count() or 1) if context is None else context.defaultParallelism
    if host is None:
        is_local = settings.get("spark.master", "local").startswith("local")
        host = LOOPBACK if is_local else settings["spark.driver.host"]
    place, reports = Place.of(client._transport), deque["EngineReport"](maxlen=_REPORTS_KEPT)
    with ExitStack() as stack:
        handlers = Hearing(reports.append).handlers()
        pace = stack.enter_context(pacing(place, workers, rate=rate, host=host, handlers=handlers))
        spark.dataSource.register(source_for(Home(place, pace)))
        return SparkSource(place, pace, reports, stack.pop_all())


def __getattr__(name: str) -> object:
    """Load the data source when it is first used: only with pyspark can it be."""
    if name != "IntemptDataSource":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("pyspark.sql.datasource", "spark")
    return import_module("intempt_nb.engines.spark.source").IntemptDataSource


def _require_no_key(settings: dict[str, str], client: Client) -> None:
    key = client._transport.key.reveal()
    for name, value in settings.items():
        if key in value:
            raise ConfigurationError(
                f"the Spark setting {name!r} holds the API key, and Spark shows its settings in its pages and event "
                "logs. Let the workers have it in their own environment or keyring; on this machine, call "
                "inb.engines.lend_key(client) before the session starts"
            )


class SparkSource:
    """A registered data source: answers the workers, and keeps the reports of the writes; a context manager."""

    def __init__(self, place: Place, pace: SharedPace, reports: deque[EngineReport], stack: ExitStack) -> None:
        self._place, self._pace, self._reports, self._stack = place, pace, reports, stack
        _open.add(self)

    @property
    def reports(self) -> list[EngineReport]:
        """What became of the last 100 writes, or batches of streams, newest last."""
        return list(self._reports)

    @property
    def last_report(self) -> EngineReport | None:
        """What became of the last write; None if there was none."""
        return self._reports[-1] if self._reports else None

    def close(self) -> None:
        """Answer the workers no more; a second call does nothing."""
        self._stack.close()
        _open.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self) -> list[tuple[str, Any]]:
        return [
            ("server", self._place.base_url),
            ("workers", f"{self._pace.workers:,}"),
            ("writes", f"{len(self._reports):,}"),
        ]

    def __repr__(self) -> str:
        return text_table(("organisation", self._place.org), self._rows(), 'Spark data source "intempt"')

    def _repr_html_(self) -> str:
        return html_table(('Spark data source "intempt"', ""), [("organisation", self._place.org), *self._rows()])
