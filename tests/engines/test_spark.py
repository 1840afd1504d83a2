"""The data source "intempt" in Sail, which runs Spark's programs in this very process, without a JVM."""

from __future__ import annotations

import gc
import json
import logging
import os
import pickle
import random
import sys
import weakref
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.engines.desk import DeskAddress
from intempt_nb.engines.outcomes import COUNTS, EngineReport, Outcome
from intempt_nb.engines.spark.settings import Home, Settings
from intempt_nb.schema.checking.rejects import REJECTS
from intempt_nb.server import app, data_calls
from intempt_nb.transfer.options import MissingValues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from intempt_nb.engines.spark import SparkSource

TaskContext = pytest.importorskip("pyspark").TaskContext
sail = pytest.importorskip("pysail.spark")

# Of pyspark itself, whenever it looks at pandas; its versions that Sail knows were made before pandas 3.
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
NAMES = count()


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    server = sail.SparkConnectServer()
    server.start(background=True)
    _, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    yield session
    session.stop()
    server.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[inb.Client]:
    with inb.sandbox() as client:
        client.create_source("shop")
        yield client


@pytest.fixture(scope="module")
def source(spark: Any, shared: inb.Client) -> Iterator[SparkSource]:
    with inb.engines.spark.register(spark, shared) as source:
        yield source


@pytest.fixture
def purchases(shared: inb.Client, source: SparkSource) -> inb.CollectionHandle:
    made = shared.sources["shop"].create_collection(f"purchases-{next(NAMES)}", SCHEMA)
    made.create_identifier("key", fields=["id"])
    return made


def rows(spark: Any, first: int, last: int) -> Any:
    return spark.range(first, last).selectExpr("cast(id AS string) AS id", "id AS n", "timestamp_millis(id) AS at")


def writer(frame: Any, into: inb.CollectionHandle, **options: str) -> Any:
    return frame.write.format("intempt").mode("append").option("collection", into.name).options(**options)


def reader(spark: Any, of: inb.CollectionHandle, **options: str) -> Any:
    return spark.read.format("intempt").option("collection", of.name).options(**options)


def numbers(of: inb.CollectionHandle) -> list[int]:
    return sorted(of.load(["n"])["n"].tolist())


class TestReadingAndWriting:
    def test_what_is_written_can_be_read(
        self, spark: Any, purchases: inb.CollectionHandle, source: SparkSource
    ) -> None:
        writer(rows(spark, 0, 5_000).repartition(3), purchases).save()
        report = source.last_report
        assert report is not None
        assert (report.rows, report.accepted, len(report.outcomes), report.collection) == (
            5_000,
            5_000,
            3,
            purchases.name,
        )
        assert report.seconds > 0
        frame = reader(spark, purchases, numPartitions="4").load()
        assert [(each.name, each.dataType.simpleString()) for each in frame.schema] == [
            ("id", "string"), ("n", "bigint"), ("at", "timestamp"),
        ]  # fmt: skip
        found = frame.selectExpr("count(*)", "sum(n)", "unix_millis(max(at))", "count(DISTINCT id)").collect()[0]
        assert tuple(found) == (5_000, 12_497_500, 4_999, 5_000)

    def test_written_again_it_is_there_once(self, spark: Any, purchases: inb.CollectionHandle) -> None:
        for partitions in (1, 3):
            writer(rows(spark, 0, 100).repartition(partitions), purchases).save()
        assert numbers(purchases) == list(range(100))

    def test_an_empty_collection_has_columns_and_no_rows(self, spark: Any, purchases: inb.CollectionHandle) -> None:
        assert reader(spark, purchases).load().collect() == []

    def test_nothing_is_written_of_no_rows(
        self, spark: Any, purchases: inb.CollectionHandle, source: SparkSource
    ) -> None:
        writer(rows(spark, 0, 0), purchases).save()
        assert source.last_report is not None
        assert source.last_report.rows == 0

    def test_some_columns_are_asked_of_the_collection(self, spark: Any, purchases: inb.CollectionHandle) -> None:
        writer(rows(spark, 7, 8), purchases).save()
        assert reader(spark, purchases, columns="n, id").load().collect() == [(7, "7")]
        assert reader(spark, purchases).schema("n bigint").load().collect() == [(7,)]

    def test_collections_of_one_name_are_told_apart_by_their_source(
        self, spark: Any, purchases: inb.CollectionHandle, shared: inb.Client
    ) -> None:
        other = shared.create_source(f"other-{next(NAMES)}")
        twin = other.create_collection(purchases.name, SCHEMA)
        twin.create_identifier("key", fields=["id"])
        with pytest.raises(Exception, match=f"there are 2 collections '{purchases.name}'"):
            reader(spark, purchases).load().collect()
        writer(rows(spark, 0, 3), twin, source=other.name).save()
        assert (purchases.count(), twin.count()) == (0, 3)


class TestRejects:
    BAD = ("cast(id AS string) AS id", "if(id = 3, 'x', cast(id AS string)) AS n")

    def test_they_fail_the_write_once_all_others_are_there(
        self, spark: Any, purchases: inb.CollectionHandle, source: SparkSource
    ) -> None:
        with pytest.raises(Exception, match=r"1 of 10 rows were rejected.*The rows that were accepted stay"):
            writer(spark.range(10).selectExpr(*self.BAD), purchases).save()
        assert numbers(purchases) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        report = source.last_report
        assert report is not None
        assert report.rejects[["row", "field", "value"]].values.tolist() == [[3, "n", "x"]]
        assert report.rejected_rows["id"].tolist() == ["3"]

    def test_or_are_only_reported(self, spark: Any, purchases: inb.CollectionHandle, source: SparkSource) -> None:
        before = len(source.reports)
        writer(spark.range(10).selectExpr(*self.BAD), purchases, onRejects="report").save()
        assert [each.rejected for each in source.reports[before:]] == [1]

    def test_the_driver_hears_all_of_an_outcome_but_rows_that_are_too_long(
        self, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        from intempt_nb.engines.spark import telling

        heard: list[EngineReport] = []
        handlers = telling.Hearing(heard.append).handlers()
        monkeypatch.setattr(telling, "_ROOM", 50_000)
        monkeypatch.setattr(DeskAddress, "call", lambda _, op, value: handlers[op](json.loads(json.dumps(value))))
        one = {"row": 1, "field": "n", "value": "x", "expected": "long", "reason": "no number"}
        rejects = pa.Table.from_pylist([{**one, "row": row} for row in range(1_000)], REJECTS)
        wide = pa.table({"text": [random.Random(row).randbytes(99).hex() for row in range(1_000)]})
        counts = {**dict.fromkeys(COUNTS, 0), "rows": 60_001, "accepted": 1, "rejected": 60_000}
        outcomes = (
            Outcome(0, "partition 0", counts, 1.5, rejects=rejects, rejected_rows=wide),
            Outcome(
                1,
                "partition 1",
                counts,
                1.5,
                "there",
                rejects[:2],
                wide[:2],
                pa.array([5]),
                {"429": 1},
                "row",
                ("z",),
                "x",
            ),
        )
        telling.tell(DeskAddress("", 0, ""), "w", EngineReport("c", outcomes, 2.5))
        (report,) = heard
        long, short = report.outcomes
        assert (report.collection, report.seconds, report.rejected) == ("c", 2.5, 120_000)
        assert (long.rejects.equals(rejects), long.rejected_rows, long.host) == (True, None, outcomes[0].host)
        assert "rejected rows of partition 0 are too long" in caplog.text
        assert short.rejects.equals(rejects[:2])
        assert short.rejected_rows is not None
        assert short.rejected_rows.equals(wide[:2])
        assert (short.unknown_rows.to_pylist(), short.troubles) == ([5], {"429": 1})
        assert (short.host, short.key_rule, short.ignored, short.error) == ("there", "row", ("z",), "x")


class TestKeys:
    WITHOUT = ("id AS n", "timestamp_millis(id) AS at")

    def test_rows_without_a_key_are_refused(self, spark: Any, purchases: inb.CollectionHandle) -> None:
        with pytest.raises(Exception, match=r"no column for the primary key, 'id'.*option\('key', 'content'\)"):
            writer(spark.range(9).selectExpr(*self.WITHOUT), purchases).save()
        with pytest.raises(Exception, match="key='row' makes keys of row numbers"):
            writer(spark.range(9).selectExpr(*self.WITHOUT), purchases, key="row").save()
        assert purchases.count() == 0

    @pytest.mark.parametrize("key", ["content", "n,at"])
    def test_keys_made_of_rows_do_not_depend_on_partitions(
        self, spark: Any, purchases: inb.CollectionHandle, key: str
    ) -> None:
        for partitions in (1, 4):
            writer(spark.range(40).selectExpr(*self.WITHOUT).repartition(partitions), purchases, key=key).save()
        assert numbers(purchases) == list(range(40))

    def test_rows_may_be_sent_at_least_once(
        self, spark: Any, purchases: inb.CollectionHandle, source: SparkSource
    ) -> None:
        frame = spark.range(20_000).selectExpr(*self.WITHOUT, "id AS _intempt_key")  # of more than one batch
        for _ in range(2):
            writer(frame.coalesce(1), purchases, atLeastOnce="true").save()
        assert numbers(purchases) == sorted([*range(20_000), *range(20_000)])
        assert source.last_report is not None
        assert source.last_report.ignored == ("_intempt_key",)
        assert "ignored     columns that feed no field: _intempt_key" in str(source.last_report)

    def test_a_task_that_goes_on_after_it_was_run_again_overwrites_no_other_row(
        self, purchases: inb.CollectionHandle, source: SparkSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task = SimpleNamespace(partitionId=lambda: 0, attemptNumber=lambda: 0, getLocalProperty=lambda _: None)
        monkeypatch.setattr(TaskContext, "get", lambda: task)
        table = pa.table({"n": range(100)})
        made = source_class(source)({"collection": purchases.name, "atLeastOnce": "true"})
        writing = made.writer(table.schema, overwrite=False)
        writing.write(iter(table.to_batches()))
        writing.write(iter(table.sort_by([("n", "descending")])[:50].to_batches()))  # as a shuffle may bring them
        assert set(numbers(purchases)) == set(range(100))


class TestMistakes:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"X-Api-Key": "hush-hush"}, "'x-api-key' is not for here: options end up in plans and event logs"),
            ({"accessToken": "hush-hush"}, "'accesstoken' is not for here"),
            ({"atleastonc": "true"}, "no option 'atleastonc'; did you mean 'atLeastOnce'"),
            ({"rate": "5"}, "no option 'rate'. Available: collection, source"),
            ({"key": "n, at, n"}, "the option key names the column 'n' more than once"),
            ({"onRejects": "ignore"}, "onRejects is 'ignore'.*Available: fail, report"),
            ({"nan": "zero"}, "nan is 'zero'.*Available: reject, null"),
            ({"key": ","}, "the option key is ','; expected names of columns"),
            ({"org": "Other"}, "org is 'Other', and the data source is registered for 'sandbox'"),
            ({"collection": "purchase"}, "no collection 'purchase'; did you mean"),
        ],
    )
    def test_an_option_that_will_not_do(
        self, spark: Any, purchases: inb.CollectionHandle, options: dict[str, str], message: str
    ) -> None:
        with pytest.raises(Exception, match=message) as error:
            writer(rows(spark, 0, 1), purchases, **options).save()
        assert "hush-hush" not in str(error.value)

    @pytest.mark.parametrize("name", ["key", "org", "collection"])
    def test_an_option_that_holds_the_api_key_is_not_quoted(
        self, spark: Any, purchases: inb.CollectionHandle, name: str
    ) -> None:
        key = purchases._transport.key.reveal()
        with pytest.raises(Exception, match=f"the option '{name}' holds the API key") as error:
            writer(rows(spark, 0, 1), purchases, **{name: f"Bearer {key}"}).save()
        assert key not in str(error.value)

    def test_words_and_what_spark_itself_says_may_be_in_any_case(
        self, purchases: inb.CollectionHandle, source: SparkSource
    ) -> None:
        sparks = {"Path": "x", "checkpointLocation": "y", "queryName": "z", "option.collection": "t", "Provider": "p"}
        own = {"onRejects": "REPORT", "ATLEASTONCE": "True", "nulls": "Omit", "nan": "NULL"}
        found = Settings.of({"collection": purchases.name, **sparks, **own}, Home(source._place, source._pace))
        assert (found.rejects_fail, found.at_least_once) == (False, True)
        assert found.upload.missing == MissingValues("omit", "null")

    def test_a_column_that_is_missing(self, spark: Any, purchases: inb.CollectionHandle) -> None:
        with pytest.raises(Exception, match=r"required field 'n'.*df.withColumnRenamed\('column', 'field'\)") as error:
            writer(rows(spark, 0, 1).drop("n"), purchases).save()
        assert "columns=" not in str(error.value)

    def test_nothing_is_overwritten(self, spark: Any, purchases: inb.CollectionHandle) -> None:
        writer(rows(spark, 0, 2), purchases).save()
        with pytest.raises(Exception, match=r"a collection is not emptied by a write; use mode\('append'\)"):
            writer(rows(spark, 0, 1), purchases).mode("overwrite").save()
        assert purchases.count() == 2

    def test_a_part_is_a_number(self, spark: Any, purchases: inb.CollectionHandle) -> None:
        with pytest.raises(Exception, match="numPartitions is 'many'"):
            reader(spark, purchases, numPartitions="many").load().collect()

    def test_a_schema_that_does_not_fit(self, spark: Any, purchases: inb.CollectionHandle) -> None:
        with pytest.raises(Exception, match="field 'n': the column is bigint, and int was asked for"):
            reader(spark, purchases).schema("n int").load().collect()


class TestTheDriver:
    def test_where_it_cannot_be_reached_the_rows_arrive_and_the_log_says_so(
        self, spark: Any, purchases: inb.CollectionHandle, shared: inb.Client, source: SparkSource, caplog: Any
    ) -> None:
        try:
            inb.engines.spark.register(spark, shared, rate=1_000).close()
            with caplog.at_level(logging.WARNING):
                writer(rows(spark, 0, 9), purchases).save()
        finally:
            register_again(spark, source)
        assert purchases.count() == 9
        assert "the driver does not hear of this write" in caplog.text
        assert "accepted    9" in caplog.text

    def test_a_source_that_nobody_holds_answers_all_the_same(
        self, spark: Any, purchases: inb.CollectionHandle, shared: inb.Client, source: SparkSource
    ) -> None:
        unheld = weakref.ref(inb.engines.spark.register(spark, shared))
        try:
            gc.collect()
            writer(rows(spark, 0, 9), purchases).save()
        finally:
            register_again(spark, source)
        made = unheld()
        assert made is not None
        assert [each.accepted for each in made.reports] == [9]
        made.close()

    def test_nothing_of_the_source_holds_the_key(self, purchases: inb.CollectionHandle, source: SparkSource) -> None:
        from pyspark import cloudpickle

        made = source_class(source)({"collection": purchases.name})
        reading = made.reader(made.schema())
        writing = made.writer(made.schema(), overwrite=False)
        key = purchases._transport.key.reveal()
        for each in (type(made), made, reading, reading.partitions(), writing, made.streamReader(made.schema())):
            pickled = cloudpickle.dumps(each)
            assert key.encode() not in pickled
            assert key not in f"{each!r}{vars(each) if hasattr(each, '__dict__') else ''}"
            pickle.loads(pickled)
        assert key not in f"{source!r}{source._repr_html_()}"

    def test_a_setting_with_the_key_is_refused(self, shared: inb.Client) -> None:
        class Session:
            class sparkContext:  # noqa: N801
                @staticmethod
                def getConf() -> Any:  # noqa: N802
                    return Session

            @staticmethod
            def getAll() -> list[tuple[str, str]]:  # noqa: N802
                return [("spark.executorEnv.INTEMPT_API_KEY", shared._transport.key.reveal())]

        with pytest.raises(
            inb.ConfigurationError, match=r"'spark.executorEnv.INTEMPT_API_KEY' holds the API key"
        ) as error:
            inb.engines.spark.register(Session(), shared)  # type: ignore[arg-type]
        assert shared._transport.key.reveal() not in str(error.value)

    @pytest.mark.skipif(sys.platform == "win32", reason="has no such scripts")
    @pytest.mark.parametrize("status", [0, 1, None])
    def test_another_python_than_this_one_has_to_have_the_package(
        self, shared: inb.Client, tmp_path: Path, status: int | None
    ) -> None:
        python = tmp_path / "python3"
        if status is not None:
            python.write_text(f"#!/bin/sh\nexit {status}\n")
            python.chmod(0o755)
        context = SimpleNamespace(
            getConf=lambda: SimpleNamespace(getAll=lambda: [("spark.master", "local[2]")]),
            defaultParallelism=2,
            pythonExec=str(python),
            _jvm=jvm(INTEMPT_API_KEY="its own"),
        )
        session = SimpleNamespace(sparkContext=context, dataSource=SimpleNamespace(register=lambda _: None))
        if status == 0:
            inb.engines.spark.register(session, shared).close()  # type: ignore[arg-type]  # what it needs of one
            return
        with pytest.raises(inb.ConfigurationError, match=r"run .*/python3, which .*PYSPARK_PYTHON.* = sys\.executable"):
            inb.engines.spark.register(session, shared)  # type: ignore[arg-type]  # what it needs of one

    def test_a_java_process_that_was_started_without_the_key_is_refused(
        self, shared: inb.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "environ", os.environ.copy())
        inb.engines.lend_key(shared)
        lent = {name: value for name, value in os.environ.items() if name.startswith("INTEMPT_LENT")}
        context = SimpleNamespace(
            getConf=lambda: SimpleNamespace(getAll=lambda: [("spark.master", "local[2]")]),
            defaultParallelism=2,
            pythonExec=sys.executable,
            _jvm=jvm(PATH="x"),
        )
        session = SimpleNamespace(sparkContext=context, dataSource=SimpleNamespace(register=lambda _: None))
        with pytest.raises(inb.ConfigurationError, match=r"no API key.*Start this program or kernel anew"):
            inb.engines.spark.register(session, shared)  # type: ignore[arg-type]  # what it needs of one
        context._jvm = jvm(**lent)
        inb.engines.spark.register(session, shared).close()  # type: ignore[arg-type]  # as above

    def test_without_a_client_options_say_where(
        self, spark: Any, purchases: inb.CollectionHandle, source: SparkSource
    ) -> None:
        where = {"org": "sandbox", "baseUrl": purchases._transport.base_url}
        try:
            spark.dataSource.register(inb.engines.spark.IntemptDataSource)
            writer(rows(spark, 0, 3), purchases, **where).save()
            assert reader(spark, purchases, **where).load().count() == 3
            with pytest.raises(Exception, match="nothing says which organisation"):
                reader(spark, purchases).load().count()
        finally:
            register_again(spark, source)


def jvm(**environment: str) -> Any:
    return SimpleNamespace(
        java=SimpleNamespace(lang=SimpleNamespace(System=SimpleNamespace(getenv=lambda: environment)))
    )


def source_class(source: SparkSource) -> Any:
    from intempt_nb.engines.spark.source import source_for

    return source_for(Home(source._place, source._pace))


def register_again(spark: Any, source: SparkSource) -> None:
    spark.dataSource.register(source_class(source))


class TestStreams:
    """Without a session, as Sail streams no Python data source; tests/spark has them in Spark."""

    def read(self, stream: Any, start: dict[str, str], end: dict[str, str]) -> list[int]:
        batches = [each for part in stream.partitions(start, end) for each in stream.read(part)]
        return sorted(number for each in batches for number in each["n"].to_pylist())

    def test_a_batch_is_what_came_in_between_and_stays_it(
        self, purchases: inb.CollectionHandle, source: SparkSource
    ) -> None:
        made = source_class(source)({"collection": purchases.name, "numPartitions": "3"})
        stream = made.streamReader(made.schema())
        start = stream.initialOffset()
        assert stream.partitions(start, start) == []
        ends = []
        for first in (0, 50):
            purchases.upload([{"id": str(n), "n": n} for n in range(first, first + 50)], progress=False)
            ends.append(stream.latestOffset(ends[-1] if ends else start, None))
        again = pickle.loads(pickle.dumps(stream))
        assert again.latestOffset(ends[1], None) == ends[1]
        assert self.read(again, start, ends[0]) == list(range(50))
        assert self.read(again, ends[0], ends[1]) == list(range(50, 100))
        assert len(again.partitions(ends[0], ends[1])) == 3

    def test_a_run_to_the_end_has_an_end(self, purchases: inb.CollectionHandle, source: SparkSource) -> None:
        made = source_class(source)({"collection": purchases.name})
        stream = made.streamReader(made.schema())
        purchases.upload([{"id": "1", "n": 1}], progress=False)
        stream.prepareForTriggerAvailableNow()
        purchases.upload([{"id": "2", "n": 2}], progress=False)
        start = stream.initialOffset()
        assert self.read(stream, start, stream.latestOffset(start, None)) == [1]

    def test_a_server_without_marks_is_refused(
        self, purchases: inb.CollectionHandle, source: SparkSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from dataclasses import replace

        def documented(call: Any) -> Any:
            return data_calls.list_items(replace(call, query={}))

        monkeypatch.setitem(app._ROUTES["/collections/{collection}/data"], "GET", documented)
        made = source_class(source)({"collection": purchases.name})
        purchases.upload([{"id": "1", "n": 1}], progress=False)
        with pytest.raises(inb.TransportError, match="cannot be read as a stream; read the whole collection"):
            made.streamReader(made.schema()).initialOffset()
        batch = made.reader(made.schema())
        assert [n for part in batch.partitions() for each in batch.read(part) for n in each["n"].to_pylist()] == [1]
