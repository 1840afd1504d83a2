"""Spark: ``format("intempt")`` reads and writes collections, at once and as streams.

>>> inb.engines.lend_key(client)                                     # before Spark starts: its workers inherit the key
>>> spark = SparkSession.builder.getOrCreate()
>>> source = inb.engines.spark.register(spark, client)
>>> bookings = spark.read.format("intempt").option("collection", "flight-booking").load()
>>> df.write.format("intempt").mode("append").option("collection", "flight-booking").save()
>>> source.last_report
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
from collections import deque
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from intempt_nb.api.credentials import ENVIRONMENT_VARIABLE, KEYRING_SERVICE, in_keyring
from intempt_nb.display import html_table, text_table
from intempt_nb.engines.desk import LOOPBACK
from intempt_nb.engines.pacing import pacing
from intempt_nb.engines.partitions import carry_out
from intempt_nb.engines.places import Place
from intempt_nb.errors import ConfigurationError
from intempt_nb.extras import require

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    from intempt_nb.client import Client
    from intempt_nb.engines.outcomes import EngineReport
    from intempt_nb.engines.pacing import SharedPace
    from intempt_nb.engines.spark.source import IntemptDataSource as IntemptDataSource

__all__ = ["SparkSource", "register"]

_REPORTS_KEPT: Final = 100
_LONGEST_START: Final = 60.0
"""Seconds in which an interpreter has started, and said what it can import."""


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
      ``"true"`` sends rows without keys all the same, and again, as other items, where a task is run again.
    - ``onRejects``: ``"fail"`` fails the write after all rows were sent, if some were rejected; ``"report"`` does not.
      A stream wants ``"report"``: a batch that fails for a row that is wrong fails at each restart.
    - ``nulls``, ``nan``: as :meth:`intempt_nb.collection_data.CollectionData.upload` has them.

    There are no others, apart from Spark's own. In SQL, ``CREATE TEMPORARY VIEW … USING intempt OPTIONS (…)``: of a
    table, Spark does not pass on the options, neither for ``SELECT`` nor for ``INSERT INTO``. Another thread of this
    program that writes, where classic Spark finds no data source, first calls
    ``spark._jvm.SparkSession.setActiveSession(spark._jsparkSession)``.

    The types are in :mod:`intempt_nb.engines.spark.types`. A row overwrites the item that has its key, so that a task
    which Spark runs again leaves nothing twice; of rows with the same key in different partitions either may be the
    last. The same goes for a stream's batches. A stream is read by the order in which items came in: one that is
    overwritten later keeps its place there, and is not read again.

    Parameters
    ----------
    spark
        Classic, Spark Connect, or Sail (with ``pysail`` 0.7, and the ``pyspark`` that it knows: up to 4.2; it writes
        grouped rows only after ``.repartition(n)``, and streams no Python data source). The workers
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
        If pyspark is not installed, the rate or the number of workers is not above zero, Spark's settings hold the API
        key, or the Python that Spark runs on this machine does not have this package, or would find no key.
    OSError
        If nothing can listen at `host`.
    """
    require("pyspark.sql.datasource", "spark")
    from intempt_nb.engines.spark.settings import Home
    from intempt_nb.engines.spark.source import source_for
    from intempt_nb.engines.spark.telling import Hearing

    context = getattr(spark, "sparkContext", None)  # Spark Connect has none
    settings = {} if context is None else dict(context.getConf().getAll())
    is_local = settings.get("spark.master", "local").startswith("local")
    place, reports = Place.of(client._transport), deque["EngineReport"](maxlen=_REPORTS_KEPT)
    _require_no_key(settings, client)
    if context is not None and is_local:
        _require_interpreter(context.pythonExec)
        _require_inherited(context, place)
    if workers is None:
        workers = (os.cpu_count() or 1) if context is None else context.defaultParallelism
    if host is None:
        host = LOOPBACK if is_local else settings["spark.driver.host"]
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


def _require_inherited(context: SparkContext, place: Place) -> None:
    """Raise `ConfigurationError` if workers on this machine would find no API key: Spark's Java process hands it on."""
    found = None if context._jvm is None else context._jvm.java.lang.System.getenv()
    if (
        found is not None
        and not any(found.get(name) for name in (place._names()[0], ENVIRONMENT_VARIABLE))
        and not in_keyring(place.org)
    ):
        raise ConfigurationError(
            f"Spark's workers would find no API key for the organisation {place.org!r}: Spark's Java process was "
            "started without, and goes on when its session is stopped. Start this program or kernel anew, and call "
            "inb.engines.lend_key(client) before the first session; or store the key, with "
            f"`keyring set {KEYRING_SERVICE} {place.org}`"
        )


def _require_interpreter(name: str) -> None:
    """Raise `ConfigurationError` if the workers' Python is another environment's, and has no such package."""
    found = shutil.which(name)
    if found is not None:
        if os.path.realpath(os.path.dirname(found)) == os.path.realpath(os.path.dirname(sys.executable)):
            return
        command = [found, "-c", f"import {carry_out.__module__}"]  # with all that workers need for it
        try:
            done = subprocess.run(  # noqa: S603 - what Spark runs anyway
                command, capture_output=True, timeout=_LONGEST_START, check=False
            )
            if done.returncode == 0:
                return
        except (OSError, subprocess.TimeoutExpired):
            pass  # whatever keeps it from running keeps Spark's workers from it, too
    raise ConfigurationError(
        f"Spark's workers run {found or name}, which cannot import intempt_nb; before the session starts, say which "
        'Python they are to run: os.environ["PYSPARK_PYTHON"] = sys.executable'
    )


class SparkSource:
    """A registered data source: answers the workers, and keeps the reports of the writes; a context manager."""

    def __init__(self, place: Place, pace: SharedPace, reports: deque[EngineReport], stack: ExitStack) -> None:
        self._place, self._pace, self._reports, self._stack = place, pace, reports, stack
        # It answers the workers until it is closed, whether somebody holds it or not: also in a program's last lines.
        atexit.register(self.close)

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
        atexit.unregister(self.close)

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
