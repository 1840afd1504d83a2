"""The report of an upload in partitions: counts, failures, rejects, and a size that does not grow with the rows."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

import intempt_nb as inb
from intempt_nb.engines.outcomes import COUNTS, EngineReport, Outcome, lost, outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELDS = [{"name": "id", "type": "string"}, {"name": "amount", "type": "long"}]


@pytest.fixture
def purchases(shop: inb.SourceHandle) -> inb.CollectionHandle:
    made = shop.create_collection("purchases", {"type": "record", "name": "p", "fields": FIELDS}, kind="event")
    made.create_identifier("id", fields=["id"], type="primary")
    return made


def came_through(number: int, rows: int = 100) -> Outcome:
    counts = dict.fromkeys(COUNTS, 0) | {"rows": rows, "accepted": rows, "requests": 1, "sent_bytes": 10 * rows}
    return Outcome(number, f"partition {number}", counts, 0.5, "one", key_rule="id: made of shop")


def report_of(outcomes: Sequence[Outcome]) -> EngineReport:
    return EngineReport("purchases", tuple(outcomes), 2.0)


def test_a_report_adds_up_and_shows_only_what_went_wrong() -> None:
    report = report_of([came_through(0), lost("KilledWorker: <b>gone</b>", 1, "partition 1"), came_through(2, 50)])
    assert (report.rows, report.accepted, report.failed) == (150, 150, (1,))
    assert str(report) == (
        "Upload in partitions → purchases\n"
        "partitions  3, of which 1 failed: 1\n"
        "rows        150\n"
        "accepted    150\n"
        "rejected    0\n"
        "sent        2 requests, 1.5 kB\n"
        "time        2.00 s, 75 rows/s\n"
        "key         id: made of shop\n"
        "\n"
        "Failed partitions\n"
        "partition  origin       error\n"
        "1          partition 1  KilledWorker: <b>gone</b>"
    )
    assert "&lt;b&gt;gone" in report._repr_html_()
    assert "1 request, 1.0 kB\n" in str(report_of([came_through(0)]))
    frame = report.partitions
    assert frame.host.isna().tolist() == [False, True, False]
    assert frame.dtypes.astype(str)[["partition", "rows", "seconds", "error"]].tolist() == [
        "int64[pyarrow]",
        "int64[pyarrow]",
        "double[pyarrow]",
        "string[pyarrow]",
    ]
    with pytest.raises(
        inb.UploadError, match=r"1 of 3 partitions failed, the first \(partition 1\) with: KilledWorker"
    ):
        report.raise_for_rejects()


def test_a_retry_is_of_the_failed_ones_and_puts_their_new_outcomes_in_place() -> None:
    asked = []

    def again(numbers: tuple[int, ...]) -> EngineReport:
        asked.append(numbers)
        return report_of([came_through(1)])

    report = EngineReport("purchases", (came_through(0), lost("no", 1, "partition 1"), lost("no", 2, "x")), 2.0, again)
    later = report.retry()
    assert asked == [(1, 2)]
    assert (later.failed, later.accepted, later.seconds) == ((2,), 200, 4.0)
    assert report.failed == (1, 2)
    with pytest.raises(inb.UploadError, match="retries these partitions itself"):
        report_of([lost("no", 0, "x")]).retry()


def test_the_rejected_rows_of_a_partition_come_along_as_far_as_they_are_not_too_many(
    purchases: inb.CollectionHandle,
) -> None:
    rows = [{"id": str(each), "amount": "many"} for each in range(20_000)]
    outcome = outcome_of(purchases.upload([{"id": "ok", "amount": 1}, *rows]), 3, "partition 3")
    report = report_of([outcome])
    assert (report.rejected, report.accepted, len(report.rejects)) == (20_000, 1, 1_000)
    assert report.rejects.row.tolist() == list(range(1, 1_001))
    assert report.rejected_rows.id.tolist() == [str(each) for each in range(1_000)]
    assert len(pickle.dumps(outcome)) < 200_000
    assert "Rejects; 980 more in report.rejects" in str(report)
    with pytest.raises(inb.DataError, match=r"20,000 of 20,001 rows were rejected"):
        report.raise_for_rejects()


def test_a_report_of_a_thousand_partitions_is_no_longer_than_one_of_a_few() -> None:
    report = report_of([lost("x" * 1000, each, f"partition {each}") for each in range(1_000)])
    assert len(str(report)) < 5_000
    assert len(report._repr_html_()) < 20_000
    assert "1,000 failed: 0, 1, 2," in str(report)
    assert len(report.partitions) == 1_000
