"""Spark itself, in a JVM of its own: `make test-spark`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

import intempt_nb as inb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from intempt_nb.engines.spark import SparkSource

if not os.environ.get("INTEMPT_NB_SPARK"):
    collect_ignore_glob = ["test_*.py"]  # they need Java, and a minute


@pytest.fixture(scope="session")
def client() -> Iterator[inb.Client]:
    """A client of a sandbox whose key the JVM, and with it the workers, inherit."""
    with inb.sandbox() as client:
        inb.engines.lend_key(client)
        yield client


@pytest.fixture(scope="session")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of Spark's event log."""
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="session")
def spark(client: inb.Client, events: Path) -> Iterator[Any]:
    """Two tasks at a time, each tried four times."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # starts sooner
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": events.as_uri(),
        "spark.log.level": "OFF",
    }
    builder = SparkSession.builder.master("local[2,4]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def source(spark: Any, client: inb.Client) -> Iterator[SparkSource]:
    """The registered data source."""
    with inb.engines.spark.register(spark, client) as source:
        yield source


@pytest.fixture(scope="session")
def shop(client: inb.Client) -> inb.SourceHandle:
    """An API source."""
    return client.create_source("shop")
