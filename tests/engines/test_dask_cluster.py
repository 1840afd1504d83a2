"""A cluster of processes: workers that die, errors that stay with their partition, and a key that nobody sees."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cloudpickle
import dask
import dask.dataframe as dd
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from distributed.comm import CommClosedError

import intempt_nb as inb
from intempt_nb.engines.dask_cluster import Cluster
from intempt_nb.engines.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 300
REQUEST = inb.Limits(batch_rows=100)
LAST = 9
"""The number of the last request of three partitions."""

FIELDS = [{"name": "id", "type": "string"}, {"name": "shop", "type": "string"}, {"name": "amount", "type": "long"}]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[inb.Client]:
    with inb.sandbox() as client:
        inb.engines.lend_key(client)
        yield client


@pytest.fixture(scope="module")
def cluster(sandbox: inb.Client) -> Iterator[Client]:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),  # workers that a task may take with it
        LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL) as local,
        Client(local) as client,
    ):
        yield client


@pytest.fixture
def purchases(sandbox: inb.Client) -> Iterator[inb.CollectionHandle]:
    """An empty collection whose primary key is text."""
    source = sandbox.create_source("shop")
    made = source.create_collection("purchases", {"type": "record", "name": "p", "fields": FIELDS}, kind="event")
    made.create_identifier("id", fields=["id"], type="primary")
    yield made
    sandbox.sandbox.clear_faults()
    source.delete()


def frame(numbers: range = range(3 * ROWS)) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [f"p{each}" for each in numbers], "shop": "Köln", "amount": list(numbers)},
    )


class Killer:
    """Kills the worker whose last request was carried out, while it waits for the answer."""

    def __init__(self, sandbox: inb.Client, cluster: Client, purchases: inb.CollectionHandle) -> None:
        self.sandbox, self.cluster, self.purchases = sandbox, cluster, purchases
        self.killed: list[int] = []
        sandbox.sandbox.faults({"path": "/sources/*/data", "on": LAST, "hang": 600, "after": True})
        self.thread = threading.Thread(target=self.kill)
        self.thread.start()

    def kill(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            busy = [worker for worker, keys in self.cluster.processing().items() if keys]
            if self.sent >= LAST and self.purchases.count() == 3 * ROWS and len(busy) == 1:
                self.killed += self.cluster.run(os.getpid, workers=busy).values()
                os.kill(self.killed[0], signal.SIGKILL)
                return
            time.sleep(0.05)

    @property
    def sent(self) -> int:
        return self.sandbox.sandbox.faults().rules[0].matched

    def check(self, sent_again: int) -> None:
        self.thread.join()
        assert len(self.killed) == 1
        assert self.sent == LAST + sent_again


def amounts(purchases: inb.CollectionHandle) -> list[int]:
    return sorted(purchases.load().amount.tolist())


@pytest.mark.parametrize("key", [None, "content"])
def test_a_worker_that_dies_after_sending_leaves_no_row_out_and_none_twice(
    key: Any, sandbox: inb.Client, cluster: Client, purchases: inb.CollectionHandle
) -> None:
    rows = frame() if key is None else frame().drop(columns="id")
    killer = Killer(sandbox, cluster, purchases)
    report = inb.engines.dask.upload(
        dd.from_pandas(rows, npartitions=3), purchases, key=key, limits=REQUEST, progress=False
    )
    killer.check(sent_again=3)
    assert (report.rows, report.accepted, report.failed) == (3 * ROWS, 3 * ROWS, ())
    assert amounts(purchases) == list(range(3 * ROWS))


def test_a_file_whose_worker_died_is_gone_on_with_from_its_journal(
    sandbox: inb.Client, cluster: Client, purchases: inb.CollectionHandle, tmp_path: Path, state: Path
) -> None:
    for part in range(3):
        rows = frame(range(part * ROWS, (part + 1) * ROWS)).drop(columns="id")
        rows.to_csv(tmp_path / f"{part}.csv", index=False)
    killer = Killer(sandbox, cluster, purchases)
    report = inb.engines.dask.upload(tmp_path / "*.csv", purchases, key="row", limits=REQUEST, progress=False)
    killer.check(sent_again=1)
    assert (report.accepted, report.known, report.failed) == (3 * ROWS, 2 * 100, ())
    assert amounts(purchases) == list(range(3 * ROWS))
    kept = [each.read_bytes() for each in state.rglob("*") if each.is_file()]
    assert any(purchases.id.encode() in each for each in kept)  # the journals
    assert not any(sandbox._transport.key.reveal().encode() in each for each in kept)


def test_rows_without_keys_are_not_there_twice_either_if_the_partition_is_made_the_same_again(
    sandbox: inb.Client, cluster: Client, purchases: inb.CollectionHandle
) -> None:
    source = dd.from_pandas(frame().drop(columns="id"), npartitions=3)
    with pytest.raises(inb.ConfigurationError, match=r"no column for the primary key, 'id'.*at_least_once=True"):
        inb.engines.dask.upload(source, purchases)
    killer = Killer(sandbox, cluster, purchases)
    inb.engines.dask.upload(source, purchases, at_least_once=True, limits=REQUEST, progress=False).raise_for_failures()
    killer.check(sent_again=3)
    assert amounts(purchases) == list(range(3 * ROWS))


def test_a_partition_that_fails_costs_no_other_and_is_retried_alone(
    sandbox: inb.Client, cluster: Client, purchases: inb.CollectionHandle, tmp_path: Path
) -> None:
    missing = tmp_path / "now"

    def once(rows: pd.DataFrame, partition_info: Any = None) -> pd.DataFrame:
        if partition_info is not None and partition_info["number"] == 1 and not missing.exists():
            raise OSError("the disk is gone")
        return rows

    source = dd.from_pandas(frame(), npartitions=3)
    report = inb.engines.dask.upload(source.map_partitions(once, meta=source), purchases, progress=False)
    assert report.failed == (1,)
    assert report.partitions.error[1] == "OSError: the disk is gone"
    assert len(amounts(purchases)) == 2 * ROWS
    with pytest.raises(inb.UploadError, match=r"1 of 3 partitions failed, the first .partition 1. with: OSError"):
        report.raise_for_failures()
    missing.touch()
    sandbox.sandbox.faults({"path": "/sources/*/data", "from": 2, "status": 500})  # a second request would not do
    report = report.retry()
    assert (report.failed, report.accepted) == ((), 3 * ROWS)
    assert amounts(purchases) == list(range(3 * ROWS))


def test_a_worker_that_dies_each_time_is_a_partition_that_failed(
    cluster: Client, purchases: inb.CollectionHandle
) -> None:
    def fatal(rows: pd.DataFrame, partition_info: Any = None) -> pd.DataFrame:
        if partition_info is not None and partition_info["number"] == 1:
            os._exit(1)
        return rows

    def allow(failures: int, dask_scheduler: Any) -> None:
        dask_scheduler.allowed_failures = failures

    source = dd.from_pandas(frame(), npartitions=3)
    cluster.run_on_scheduler(allow, 0)
    try:
        report = inb.engines.dask.upload(source.map_partitions(fatal, meta=source), purchases, progress=False)
    finally:
        cluster.run_on_scheduler(allow, 1)
    assert 1 in report.failed
    assert "KilledWorker" in report.partitions.error[1]


def test_the_key_is_in_no_task_no_scheduler_no_report_and_no_log(
    sandbox: inb.Client, cluster: Client, purchases: inb.CollectionHandle
) -> None:
    key = sandbox._transport.key.reveal()
    report = inb.engines.dask.upload(dd.from_pandas(frame(), npartitions=3), purchases, progress=False)
    loaded = inb.engines.dask.load(purchases).persist()
    assert len(loaded) == 3 * ROWS

    def held(dask_scheduler: Any) -> str:
        return repr([(each.key, each.run_spec, each.annotations) for each in dask_scheduler.tasks.values()])

    logs = [cluster.get_scheduler_logs(), *cluster.get_worker_logs().values(), cluster.get_events()]
    assert key not in repr((report, report.partitions, cluster.run_on_scheduler(held), logs))
    assert key.encode() not in cloudpickle.dumps((report.outcomes, inb.engines.dask.load(purchases).dask))


def test_in_a_notebook_the_bar_is_the_one_of_distributed(
    cluster: Client, purchases: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = list[Any]()
    monkeypatch.setattr("distributed.utils.is_kernel", lambda: True)
    monkeypatch.setattr("distributed.progress", lambda futures, *, notebook: (len(futures), notebook))
    monkeypatch.setattr("IPython.display.display", shown.append)
    inb.engines.dask.upload(dd.from_pandas(frame(range(9)), npartitions=3), purchases)
    assert shown == [(3, True)]
    assert "partitions" not in capfd.readouterr().err


def test_ctrl_c_ends_partitions_under_way_and_lets_none_begin(
    sandbox: inb.Client, cluster: Client, purchases: inb.CollectionHandle
) -> None:
    sandbox.sandbox.faults({"path": "/sources/*/data", "from": 4, "delay": 1})

    def interrupt() -> None:
        while sandbox.sandbox.faults().rules[0].matched < 4:
            time.sleep(0.05)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    source = dd.from_pandas(frame(), npartitions=30)
    with pytest.raises(inb.UploadInterrupted) as caught:
        inb.engines.dask.upload(source, purchases, limits=inb.Limits(batch_rows=5), progress=False)
    thread.join()
    sandbox.sandbox.clear_faults()
    report = caught.value.report
    assert 15 <= report.accepted == purchases.count() <= 60
    assert len(report.failed) == 30
    assert report.partitions.error.str.contains("UploadInterrupted").any()
    report = report.retry()
    assert (report.failed, report.accepted, purchases.count()) == ((), 3 * ROWS, 3 * ROWS)


class Answering:
    """What `Cluster` asks a client for; a worker is at two partitions, and dies while one is waited for."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers, self.cancelled = answers, list[str]()
        self.at = iter([{"worker": ["ends", "dies"]}, {"worker": ["dies"]}, {}])
        status = {"taken": "finished", "failed": "error", "ends": "pending", "dies": "pending", "queued": "pending"}
        self.left = {key: SimpleNamespace(key=key, status=each) for key, each in status.items()}

    def run(self, *_: Any, on_error: str) -> dict[str, Any]:
        return self.answers

    def processing(self) -> dict[str, list[str]]:
        at = next(self.at)
        if at == {"worker": ["dies"]}:
            self.left["ends"].status = "finished"
        return at

    def cancel(self, futures: list[Any]) -> None:
        for each in futures:
            self.cancelled.append(each.key)
            each.status = "cancelled"


def test_after_ctrl_c_what_has_ended_is_taken_and_what_lost_its_worker_is_not_waited_for() -> None:
    client = Answering({})
    Cluster(client)._end(client.left, "call")
    assert client.cancelled == ["queued", "dies"]


def test_a_worker_that_goes_is_no_worker_without_a_key_and_no_workers_are_warned_of() -> None:
    place = Place("org", "http://127.0.0.1:9", (1.0, 1.0))
    Cluster(Answering({"tcp://a": CommClosedError("gone"), "tcp://b": None})).check(place)
    with pytest.raises(inb.ConfigurationError, match=r"1 of 2 workers cannot upload.*tcp://b: no key"):
        Cluster(Answering({"tcp://a": CommClosedError("gone"), "tcp://b": "no key"})).check(place)
    with pytest.warns(UserWarning, match="has no workers; the upload waits"):
        Cluster(Answering({})).check(place)


def test_workers_without_a_key_are_told_of_before_anything_is_sent(
    cluster: Client, purchases: inb.CollectionHandle
) -> None:
    def forget() -> None:
        from intempt_nb.engines import places

        places._made.clear()
        for name in [each for each in os.environ if each.startswith("INTEMPT_LENT_KEY_")]:
            os.environ[f"KEPT_{name}"] = os.environ.pop(name)

    def remember() -> None:
        for name in [each for each in os.environ if each.startswith("KEPT_")]:
            os.environ[name.removeprefix("KEPT_")] = os.environ.pop(name)

    cluster.run(forget)
    try:
        with pytest.raises(inb.ConfigurationError, match=r"(\d) of \1 workers cannot upload.*no API key.*lend_key"):
            inb.engines.dask.upload(dd.from_pandas(frame(), npartitions=3), purchases)
    finally:
        cluster.run(remember)
    assert purchases.count() == 0
