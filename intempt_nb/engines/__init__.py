"""Engines for what outgrows one machine: Dask and Spark, as further sources and sinks over the same uploads and scans.

>>> import intempt_nb as inb
>>> inb.engines.dask.load(client.collections["purchases"])                        # a dask DataFrame
>>> report = inb.engines.dask.upload("purchases/*.parquet", client.collections["purchases"])
>>> inb.engines.spark.register(spark, client)                                     # then: format("intempt")
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intempt_nb.engines import dask as dask
    from intempt_nb.engines import spark as spark
    from intempt_nb.engines.outcomes import EngineReport
    from intempt_nb.engines.places import lend_key

__all__ = ["EngineReport", "lend_key"]

_HOMES = {"EngineReport": "intempt_nb.engines.outcomes", "lend_key": "intempt_nb.engines.places"}
_ROOMS = ("dask", "spark")


def __getattr__(name: str) -> object:
    """Load an engine, or a name, when it is first used."""
    if name in _ROOMS:
        return import_module(f"intempt_nb.engines.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, *_ROOMS]
