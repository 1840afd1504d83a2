"""Uploads through dask on this machine, and what is said before anything is sent."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import dask
import dask.dataframe as dd
import pandas as pd
import pytest

import intempt_nb as inb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIELDS = [{"name": "id", "type": "string"}, {"name": "shop", "type": "string"}, {"name": "amount", "type": "long"}]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    with dask.config.set(scheduler="threads", num_workers=2):
        yield


@pytest.fixture
def purchases(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """An empty collection whose primary key is text."""
    made = shop.create_collection("purchases", {"type": "record", "name": "p", "fields": FIELDS}, kind="event")
    made.create_identifier("id", fields=["id"], type="primary")
    return made


def frame(rows: int = 60) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"p{each}" for each in range(rows)], "shop": "Köln", "amount": range(rows)})


def amounts(purchases: inb.CollectionHandle) -> list[int]:
    return sorted(purchases.load().amount.tolist())


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_rows_get_through_with_each_scheduler_and_bad_ones_are_told(
    scheduler: str, client: inb.Client, purchases: inb.CollectionHandle
) -> None:
    inb.engines.lend_key(client)
    rows = frame().assign(amount=[str(each) for each in range(59)] + ["many"])
    before = rows.copy()
    with dask.config.set(scheduler=scheduler, num_workers=1 if scheduler == "processes" else 2):
        report = inb.engines.dask.upload(dd.from_pandas(rows, npartitions=3), purchases)
    assert (report.rows, report.accepted, report.rejected, report.failed) == (60, 59, 1, ())
    assert report.rejects[["partition", "origin", "row", "value"]].values.tolist() == [[2, "partition 2", 19, "many"]]
    assert report.rejected_rows.id.tolist() == ["p59"]
    assert amounts(purchases) == list(range(59))
    pd.testing.assert_frame_equal(rows, before)
    purchases.upload(report.rejected_rows.assign(amount="59"))
    assert amounts(purchases) == list(range(60))


def test_an_error_while_a_partition_is_made_ends_no_other(purchases: inb.CollectionHandle) -> None:
    broken = [True]

    def once(rows: pd.DataFrame, partition_info: Any = None) -> pd.DataFrame:
        if partition_info is not None and partition_info["number"] == 1 and broken:
            raise OSError("the disk is gone")
        return rows

    source = dd.from_pandas(frame(), npartitions=3)
    shuffled = source.map_partitions(once, meta=source).shuffle("amount", npartitions=2)  # needs all of the three
    report = inb.engines.dask.upload(source.map_partitions(once, meta=source), purchases)
    assert (report.failed, report.accepted) == ((1,), 40)
    assert report.partitions.error[1] == "OSError: the disk is gone"
    assert inb.engines.dask.upload(shuffled, purchases).failed == (0, 1)
    broken.clear()
    assert report.retry().accepted == 60
    assert amounts(purchases) == list(range(60))


def test_files_of_all_kinds_go_in_and_the_same_call_again_sends_nothing(
    purchases: inb.CollectionHandle, tmp_path: Path
) -> None:
    rows = frame().drop(columns="id")
    rows[:20].to_csv(tmp_path / "a.csv.gz", index=False)
    rows[20:40].to_parquet(tmp_path / "b.parquet")
    (tmp_path / "deep").mkdir()
    rows[40:].to_json(tmp_path / "deep" / "c.jsonl", orient="records", lines=True)
    pattern = f"{tmp_path}/**/*"
    report = inb.engines.dask.upload(pattern, purchases)
    assert [each.split("/")[-1] for each in report.partitions.origin] == ["a.csv.gz", "b.parquet", "c.jsonl"]
    assert (report.accepted, report.known) == (60, 0)
    again = inb.engines.dask.upload(pattern, purchases)
    assert (again.accepted, again.known, again.partitions.requests.sum()) == (60, 60, 0)
    assert amounts(purchases) == list(range(60))


def test_files_are_sent_again_once_others_may_have_overwritten_them(
    purchases: inb.CollectionHandle, tmp_path: Path
) -> None:
    for number, rows in enumerate((frame(20), frame(40)[20:])):
        rows.to_csv(tmp_path / f"{number}.csv", index=False)
    paths = [tmp_path / "0.csv", str(tmp_path / "1.csv")]
    inb.engines.dask.upload(paths, purchases)
    frame(40)[10:30].assign(amount=-1).to_csv(tmp_path / "newer.csv", index=False)
    purchases.upload(tmp_path / "newer.csv")
    assert amounts(purchases)[:20] == [-1] * 20
    assert inb.engines.dask.upload(paths, purchases).known == 0  # both, though the first noted the new call
    assert amounts(purchases) == list(range(40))


def test_what_cannot_be_right_is_said_before_anything_is_sent(
    shop: inb.SourceHandle, purchases: inb.CollectionHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTEMPT_API_KEY", raising=False)
    (tmp_path / "notes.docx").touch()
    rows = dd.from_pandas(frame(), npartitions=2)
    keyless = rows[["shop", "amount"]]
    unkeyed = shop.create_collection("unkeyed", {"type": "record", "name": "u", "fields": FIELDS}, kind="event")
    upload = inb.engines.dask.upload
    for kind, message, source, options in [
        (inb.DataError, r"no file '.*none\*.csv', seen from", f"{tmp_path}/none*.csv", {}),
        (inb.DataError, "'s3://bucket/.*' is no path.*read_parquet", "s3://bucket/*.parquet", {}),
        (inb.DataError, "notes.docx does not end in a known suffix", f"{tmp_path}/*", {}),
        (inb.DataError, "read from DataFrame.*collection.upload", frame(), {}),
        (inb.DataError, "no column for the required field 'shop'", rows[["id", "amount"]], {}),
        (inb.ConfigurationError, "no column for the primary key, 'id'.*key='content'", keyless, {}),
        (inb.ConfigurationError, "row numbers, and those depend on the partitions", keyless, {"key": "row"}),
        (inb.ConfigurationError, "rate is 0", rows, {"rate": 0}),
    ]:
        with pytest.raises(kind, match=message):
            upload(source, purchases, **options)
    with pytest.raises(inb.RejectedError, match="primary"):
        upload(rows, unkeyed)
    with dask.config.set(scheduler="processes"), pytest.raises(inb.ConfigurationError, match=r"no API key.*lend_key"):
        upload(rows, purchases)
    assert purchases.count() == 0


def test_rows_without_keys_get_some_if_that_is_asked_for(purchases: inb.CollectionHandle) -> None:
    source = dd.from_pandas(frame().rename(columns={"id": "other"}), npartitions=3)
    for total in (60, 120):
        inb.engines.dask.upload(source, purchases, at_least_once=True, columns={"other": None}).raise_for_failures()
        assert purchases.load().id.nunique() == purchases.count() == total


def test_a_partition_without_the_key_that_others_have_is_not_sent(purchases: inb.CollectionHandle) -> None:
    def made(number: int) -> pd.DataFrame:
        return frame(20) if number else frame(20).drop(columns="id")

    parts = [dask.delayed(made)(number) for number in range(2)]
    source = dd.from_delayed(parts, meta=frame(0), verify_meta=False)
    report = inb.engines.dask.upload(source, purchases)
    assert (report.failed, purchases.count()) == ((0,), 20)
    assert report.partitions.error[0].startswith("ConfigurationError: the partition has no column for the primary key")


def test_copies_of_a_file_are_refused_unless_they_have_no_rows(purchases: inb.CollectionHandle, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in "ab":
        frame(0).to_csv(tmp_path / f"{name}.csv", index=False)
    frame(20).to_csv(tmp_path / "c.csv", index=False)
    report = inb.engines.dask.upload([tmp_path / "*.csv", tmp_path / "deep" / ".." / "c.csv"], purchases)
    assert [each.split("/")[-1] for each in report.partitions.origin] == ["a.csv", "c.csv"]
    frame(20).to_csv(tmp_path / "deep" / "d.csv", index=False)
    with pytest.raises(inb.DataError, match=r"c\.csv and .*d\.csv have the same content.*give one of them"):
        inb.engines.dask.upload(tmp_path / "**" / "*.csv", purchases)
    assert purchases.count() == 20


def test_a_file_that_has_gone_costs_no_other_its_second_try(purchases: inb.CollectionHandle, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.csv" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_text("no,such,columns\n" * number)
    frame(20).to_csv(paths[0], index=False)
    report = inb.engines.dask.upload(paths, purchases)
    assert report.failed == (1, 2)
    paths[1].unlink()
    frame(40)[20:].to_csv(paths[2], index=False)
    report = report.retry()
    assert report.accepted == purchases.count() == 40
    assert report.failed == (1,)
    assert "no file" in report.partitions.error[1]


def test_a_bar_is_shown_where_it_is_asked_for(
    purchases: inb.CollectionHandle, capsys: pytest.CaptureFixture[str]
) -> None:
    for progress in (None, False, True):
        assert not capsys.readouterr().out
        inb.engines.dask.upload(dd.from_pandas(frame(), npartitions=2), purchases, progress=progress)
    assert "100% Completed" in capsys.readouterr().out


def test_ctrl_c_waits_for_requests_under_way_and_the_rest_can_be_sent_later(
    client: inb.Client, purchases: inb.CollectionHandle
) -> None:
    def interrupt() -> None:
        while client.sandbox.faults().rules[0].matched < 4:
            time.sleep(0.02)
        signal.raise_signal(signal.SIGINT)

    for scheduler in ("threads", "synchronous"):
        client.sandbox.faults({"path": "/sources/*/data", "from": 3, "delay": 0.5})
        thread = threading.Thread(target=interrupt)
        thread.start()
        source = dd.from_pandas(frame(), npartitions=6)
        with dask.config.set(scheduler=scheduler), pytest.raises(inb.UploadInterrupted) as caught:
            inb.engines.dask.upload(source, purchases, limits=inb.Limits(batch_rows=5))
        thread.join()
        client.sandbox.clear_faults()
        report = caught.value.report
        assert 10 <= report.accepted < 60, scheduler
        assert report.accepted == purchases.count() or scheduler == "synchronous"  # which is the second here
        assert len(report.partitions) == 6
        assert report.retry().accepted == 60
    assert amounts(purchases) == list(range(60))
