"""The data source in Spark: tasks that die and are run again, streams that go on from their checkpoint, no key."""

from __future__ import annotations

import datetime as dt
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import intempt_nb as inb

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.engines.spark import SparkSource

# Of pyspark itself, whenever it looks at pandas.
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")

SCHEMA = {
    "type": "record",
    "name": "purchase",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "n", "type": "long"},
        {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": None},
    ],
}
BULK = {"path": "/sources/*/data"}
NAMES = count()
PATIENCE = 300
"""Seconds that a stream may take on a machine that has other things to do."""


@pytest.fixture
def purchases(shop: inb.SourceHandle, source: SparkSource) -> inb.CollectionHandle:
    return make(shop, SCHEMA)


def make(shop: inb.SourceHandle, schema: dict[str, Any]) -> inb.CollectionHandle:
    made = shop.create_collection(f"purchases-{next(NAMES)}", schema)
    made.create_identifier("key", fields=["id"])
    return made


def rows(spark: Any, first: int, last: int, partitions: int = 2) -> Any:
    numbers = spark.range(first, last, 1, partitions)
    return numbers.selectExpr("cast(id AS string) AS id", "id AS n", "timestamp_millis(id) AS at")


def writer(frame: Any, into: inb.CollectionHandle, **options: str) -> Any:
    return frame.write.format("intempt").mode("append").option("collection", into.name).options(**options)


def reader(spark: Any, of: inb.CollectionHandle, **options: str) -> Any:
    return spark.read.format("intempt").option("collection", of.name).options(**options)


def numbers(of: inb.CollectionHandle) -> list[int]:
    return sorted(of.load(["n"])["n"].tolist())


PRICE = {"type": "bytes", "logicalType": "decimal", "precision": 50, "scale": 5}
PAGE = {
    "type": "record",
    "name": "Page",
    "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "wait", "type": ["null", {"type": "fixed", "name": "Wait", "size": 12, "logicalType": "duration"}]},
    ],
}
EXOTIC = {
    "type": "record",
    "name": "exotic",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "day", "type": ["null", {"type": "string", "logicalType": "date"}]},
        {"name": "clock", "type": ["null", {"type": "int", "logicalType": "time-millis"}]},
        {"name": "prices", "type": {"type": "map", "values": ["null", PRICE]}},
        {"name": "page", "type": ["null", PAGE]},
        {"name": "some", "type": ["null", "string", "long"]},
    ],
}


def test_every_type_goes_through_spark_and_comes_back(spark: Any, shop: inb.SourceHandle, source: SparkSource) -> None:
    here, there = make(shop, EXOTIC), make(shop, EXOTIC)
    page = {"at": dt.datetime(2025, 3, 1, 12, 0, 0, 7), "kind": "B", "wait": "P1M2DT0.5S"}
    full = {"day": "2025-03-01", "clock": "13:05:00.250", "prices": {"x": "1.50000"}, "page": page}
    here.upload(
        [{"id": "1", "tags": ["a", ""], "some": 7, **full}, {"id": "2", "tags": [], "prices": {}}], progress=False
    )
    writer(reader(spark, here, numPartitions="2").load(), there).save()
    copied, own = (sorted(each.scan().to_arrow().to_pylist(), key=lambda row: row["id"]) for each in (there, here))
    assert copied == own
    full_row = reader(spark, here).load().where("id = '1'")
    found = full_row.selectExpr("tags[0]", "prices['x']", "page.kind", "page.at", "clock").collect()
    assert tuple(found[0]) == ("a", "1.50000", "B", dt.datetime(2025, 3, 1, 12, 0, 0, 7), "13:05:00.250")


def test_parts_and_columns(spark: Any, purchases: inb.CollectionHandle, source: SparkSource) -> None:
    assert reader(spark, purchases).load().collect() == []
    writer(rows(spark, 0, 20_000, 3), purchases).save()
    assert source.last_report is not None
    assert [each.counts["accepted"] for each in source.last_report.outcomes] == [6_666, 6_667, 6_667]
    frame = reader(spark, purchases, numPartitions="5", columns="n").load()
    assert frame.rdd.getNumPartitions() == 5
    assert frame.groupBy().sum().collect() == [(199_990_000,)]
    assert reader(spark, purchases).load().rdd.getNumPartitions() == 2
    with pytest.raises(Exception, match="the column is bigint, and string was asked for"):
        reader(spark, purchases).schema("n string").load().collect()


def test_rejects(spark: Any, purchases: inb.CollectionHandle, source: SparkSource) -> None:
    bad = spark.range(0, 10, 1, 2).selectExpr("cast(id AS string) id", "if(id = 7, 'x', cast(id AS string)) n")
    before = len(source.reports)
    with pytest.raises(Exception, match=r"1 of 10 rows were rejected"):
        writer(bad, purchases).save()
    writer(bad, purchases, onRejects="report").save()
    reports = source.reports[before:]
    assert [each.rejected_rows["id"].tolist() for each in reports] == [["7"], ["7"]]
    assert numbers(purchases) == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def workers_at(client: inb.Client) -> list[psutil.Process]:
    """The processes that hold a connection to the sandbox, which is in this one."""
    port = int(client.base_url.rpartition(":")[2].split("/")[0])
    return [
        each
        for each in psutil.Process().children(recursive=True)
        if "python" in each.name() and port in {link.raddr.port for link in each.net_connections("tcp") if link.raddr}
    ]


def test_a_worker_that_is_killed_after_it_posted_leaves_nothing_twice_and_nothing_out(
    spark: Any, purchases: inb.CollectionHandle, client: inb.Client, source: SparkSource
) -> None:
    killed: list[int] = []

    def kill() -> None:
        until = time.monotonic() + PATIENCE
        while not killed and time.monotonic() < until:
            if purchases.count():
                for each in workers_at(client):
                    each.kill()
                    killed.append(each.pid)
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    with client.sandbox.faults({**BULK, "delay": 0.5}):
        killer.start()
        writer(rows(spark, 0, 40_000), purchases).save()
        killer.join()
    assert killed
    assert numbers(purchases) == list(range(40_000))
    assert source.last_report is not None
    assert (source.last_report.rows, source.last_report.accepted) == (40_000, 40_000)


@pytest.mark.parametrize("keyed", [True, False])
def test_a_task_that_fails_after_it_posted_is_run_again(
    spark: Any, purchases: inb.CollectionHandle, client: inb.Client, keyed: bool
) -> None:
    frame, options = rows(spark, 0, 20_000), {} if keyed else {"atLeastOnce": "true"}
    with client.sandbox.faults({**BULK, "on": 3, "status": 403}) as faults:
        writer(frame if keyed else frame.drop("id"), purchases, **options).save()
        assert [rule.applied for rule in client.sandbox.faults().rules] == [1]
    assert faults
    found = numbers(purchases)  # without keys, some are there again
    assert (found if keyed else sorted(set(found))) == list(range(20_000))


def test_a_write_that_is_given_up_says_what_was_accepted(
    spark: Any, purchases: inb.CollectionHandle, client: inb.Client, source: SparkSource
) -> None:
    with client.sandbox.faults({**BULK, "from": 2, "status": 403}), pytest.raises(Exception, match="403"):
        writer(rows(spark, 0, 100, 2), purchases).save()
    report = source.last_report
    assert report is not None
    assert len(report.failed) == len(report.outcomes) - 1
    assert report.accepted == purchases.count() == 50
    with pytest.raises(inb.UploadError, match="its task failed; Spark says with what"):
        report.raise_for_failures()


class TestStreams:
    def start(self, spark: Any, of: inb.CollectionHandle, folder: Path) -> Any:
        stream = spark.readStream.format("intempt").option("collection", of.name).load()
        made = stream.writeStream.option("checkpointLocation", str(folder / "checkpoint"))
        return made.trigger(availableNow=True)

    def test_what_comes_in_is_read_once_over_restarts(
        self, spark: Any, purchases: inb.CollectionHandle, tmp_path: Path
    ) -> None:
        for last in (100, 250, 250):
            so_far = purchases.count() or 0
            purchases.upload(
                [{"id": str(n), "n": n} for n in range(so_far, last)] or [{"id": "0", "n": 0}], progress=False
            )
            query = self.start(spark, purchases, tmp_path).format("parquet").start(str(tmp_path / "out"))
            assert query.awaitTermination(PATIENCE)
            found = spark.read.parquet(str(tmp_path / "out")).select("n").collect()
            assert sorted(n for (n,) in found) == list(range(last))

    def test_a_batch_that_failed_is_written_again_after_a_restart(
        self,
        spark: Any,
        purchases: inb.CollectionHandle,
        client: inb.Client,
        source: SparkSource,
        tmp_path: Path,
    ) -> None:
        copies = make(client.sources["shop"], SCHEMA)
        purchases.upload([{"id": str(n), "n": n} for n in range(100)], progress=False)

        def run() -> Any:
            made = self.start(spark, purchases, tmp_path).format("intempt").option("collection", copies.name)
            return made.start()

        with client.sandbox.faults({**BULK, "status": 403}), pytest.raises(Exception, match="403"):
            run().awaitTermination(PATIENCE)
        assert copies.count() == 0
        purchases.upload([{"id": str(n), "n": n} for n in range(100, 130)], progress=False)
        before = len(source.reports)
        assert run().awaitTermination(PATIENCE)
        assert [each.accepted for each in source.reports[before:]] == [100, 30]
        assert numbers(copies) == list(range(130))

    def test_rows_without_a_key_get_others_in_each_batch(
        self, spark: Any, purchases: inb.CollectionHandle, client: inb.Client, source: SparkSource, tmp_path: Path
    ) -> None:
        copies = make(client.sources["shop"], SCHEMA)
        frame = spark.readStream.format("rate-micro-batch").options(rowsPerBatch=10, numPartitions=1).load()
        made = frame.selectExpr("value AS n").writeStream.format("intempt").option("collection", copies.name)
        query = made.option("atLeastOnce", "true").option("checkpointLocation", str(tmp_path)).start()
        try:
            until = time.monotonic() + PATIENCE
            while len(found := numbers(copies)) < 30 and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            query.stop()
        assert found[:30] == list(range(30))


def test_the_key_is_nowhere(
    spark: Any, purchases: inb.CollectionHandle, client: inb.Client, source: SparkSource, events: Path, tmp_path: Path
) -> None:
    key = client._transport.key.reveal()
    writer(rows(spark, 0, 10), purchases).save()
    query = TestStreams().start(spark, purchases, tmp_path).format("noop").start()
    assert query.awaitTermination(PATIENCE)
    plan = reader(spark, purchases).load()._jdf.queryExecution().toString()
    assert "intempt" in plan
    assert key not in plan
    assert key not in str(spark.sparkContext.getConf().getAll())
    with pytest.raises(Exception, match="no collection") as error:
        spark.read.format("intempt").option("collection", "none").load()
    assert key not in str(error.value)
    written = [each for each in (*events.rglob("*"), *tmp_path.rglob("*")) if each.is_file()]
    assert any(b"intempt" in each.read_bytes() for each in written)
    assert [each for each in written if key.encode() in each.read_bytes()] == []
