"""A batch on its way: what the server refuses is narrowed down to the rows meant, and the journal knows each step."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.codecs.wire.bodies import encode_rows
from intempt_nb.errors import ServerError
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer import sending
from intempt_nb.transfer.batches import Batch
from intempt_nb.transfer.delivery import Accepted, Doubtful, Halted, Outcome, Refused, Stubborn
from intempt_nb.transfer.options import Delivery, Target
from intempt_nb.transfer.sending import Sender
from intempt_nb.transfer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}]})
TARGET = Target("source", "9", "things", SCHEMA, ("n",))


def batch_of(count: int) -> Batch:
    """Return a batch whose rows hold their numbers."""
    kind = pa.schema([pa.field("n", pa.int64(), nullable=False)])
    lines = encode_rows(pa.RecordBatch.from_arrays([pa.array(range(count))], schema=kind), SCHEMA)
    return Batch(lines, np.arange(count), np.arange(count))


class Service:
    """Takes the place of courier and journal, and notes what both are told."""

    def __init__(self, judge: Callable[[list[int], int], Outcome]) -> None:
        self.judge = judge
        self.posted: list[list[int]] = []
        self.suspected: list[bool] = []
        self.steps: list[Any] = []
        self.held: list[int] = []
        self.moved = time.monotonic()
        self.patience = 120.0

    def has_patience(self, since: float) -> bool:
        return time.monotonic() - max(self.moved, since) <= self.patience

    def deliver(self, body: bytes, *, suspect: bool = False) -> Outcome:
        rows = [item["n"] for item in json.loads(body)["things"]]
        self.posted.append(rows)
        self.suspected.append(suspect)
        outcome = self.judge(rows, len(body))
        if isinstance(outcome, Accepted):
            self.held += rows
            self.moved = time.monotonic()
        return outcome

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *told: self.steps.append((name, *told))


def send(service: Service, batch: Batch, options: Delivery | None = None) -> Tally:
    tally = Tally()
    options = Delivery() if options is None else options
    sender = Sender(TARGET, service, service, options, threading.Event())  # type: ignore[arg-type]  # in place of both
    sender.send(0, batch, tally)
    return tally


def refusal(status: int = 400, **body: Any) -> Refused:
    return Refused(inb.RejectedError("no poison here", status=status, method="POST", path="/", body=body))


def poisoned(bad: set[int]) -> Callable[[list[int], int], Outcome]:
    return lambda rows, size: refusal() if bad & set(rows) else Accepted()


def test_the_journal_is_told_before_and_after() -> None:
    service = Service(lambda rows, size: Accepted())
    tally = send(service, batch_of(3))
    assert service.steps == [("begin", 0, 0, 2, 3), ("accept", 0, 0, 2)]
    assert (tally.accepted, tally.requests, tally.sent_bytes) == (3, 1, len('{"things":[{"n":0},{"n":1},{"n":2}]}'))


@pytest.mark.parametrize("bad", [{0}, {999}, {3, 4, 500, 998}, set(range(100, 110))])
def test_bad_rows_are_found_by_halving_and_all_others_arrive_in_order(bad: set[int]) -> None:
    service = Service(poisoned(bad))
    tally = send(service, batch_of(1_000))
    probed = sending.PROBED if len(service.posted[1]) == 1 else 0
    assert sorted(service.held[probed:]) == service.held[probed:]
    assert sorted(set(service.held)) == [row for row in range(1_000) if row not in bad]
    rejects = tally.rejects_table()
    assert set(rejects["row"].to_pylist()) == bad
    assert set(rejects["reason"].to_pylist()) == {"refused by the server: no poison here"}
    assert tally.statuses == dict.fromkeys(bad, 400)
    assert tally.accepted == 1_000 - len(bad)


def test_one_bad_row_in_a_thousand_costs_few_requests() -> None:
    service = Service(poisoned({700}))
    send(service, batch_of(1_000))
    assert len(service.posted) <= 23


def test_rows_that_the_server_names_are_left_out_at_once() -> None:
    def judge(rows: list[int], size: int) -> Outcome:
        named = [
            {"collection": "things", "index": index, "field": "n", "message": f"{row} is no good"}
            for index, row in enumerate(rows)
            if row in (2, 5)
        ]
        return refusal(errors=named) if named else Accepted()

    service = Service(judge)
    tally = send(service, batch_of(8))
    assert service.posted == [list(range(8)), [0, 1, 3, 4, 6, 7]]
    assert tally.rejects_table().select(["row", "field", "reason"]).to_pylist() == [
        {"row": 2, "field": "n", "reason": "refused by the server: 2 is no good"},
        {"row": 5, "field": "n", "reason": "refused by the server: 5 is no good"},
    ]
    said = "refused by the server: {} is no good"
    assert service.steps == [
        ("begin", 0, 0, 7, 8),
        ("withdraw", 0, 0, 7),
        ("reject", [(2, "n", 400, said.format(2)), (5, "n", 400, said.format(5))]),
        ("begin", 0, 0, 7, 6),
        ("accept", 0, 0, 7),
    ]


def test_when_nothing_is_right_a_few_rows_are_enough_to_see_it() -> None:
    service = Service(lambda rows, size: refusal())
    with pytest.raises(inb.RejectedError) as caught:
        send(service, batch_of(1_000))
    assert [len(rows) for rows in service.posted] == [1_000, 1, 1, 1, 1, 1]
    assert "no row was taken so far" in caught.value.__notes__[0]


def test_a_small_batch_in_which_nothing_is_right_is_reported_row_by_row() -> None:
    tally = send(Service(lambda rows, size: refusal()), batch_of(10))
    assert tally.rejected == 10


def test_nothing_is_probed_where_a_second_copy_would_hurt() -> None:
    service = Service(poisoned({500}))
    send(service, batch_of(1_000), Delivery("skip"))
    assert len(service.held) == len(set(service.held)) == 999


def test_a_batch_that_is_too_large_is_halved_and_the_limit_is_learned() -> None:
    service = Service(lambda rows, size: refusal(413) if size > 400 else Accepted())
    sender = Sender(TARGET, service, service, Delivery(), threading.Event())  # type: ignore[arg-type]  # in place of both
    tally = Tally()
    sender.send(0, batch_of(100), tally)
    assert service.held == [0, *range(100)]  # a row was sent alone, to see whether anything is taken
    service.posted.clear()
    sender.send(0, batch_of(100), tally)
    refused = [rows for rows in service.posted if len(json.dumps({"things": [{"n": row} for row in rows]})) > 700]
    assert refused == []
    assert (tally.accepted, tally.rejected) == (200, 0)


def test_when_every_row_is_too_large_a_few_are_enough_to_see_it() -> None:
    service = Service(lambda rows, size: refusal(413))
    with pytest.raises(inb.RejectedError, match="no poison here"):
        send(service, batch_of(100))
    assert len(service.posted) == 6


def test_a_row_that_alone_is_too_large_does_not_make_the_others_requests_small() -> None:
    service = Service(lambda rows, size: refusal(413) if 30 in rows else Accepted())
    sender = Sender(TARGET, service, service, Delivery(), threading.Event())  # type: ignore[arg-type]  # in place of both
    sender.send(0, batch_of(40), Tally())
    assert sender.width.limit == float("inf")


def test_a_learned_limit_widens_again() -> None:
    taken = [300]
    service = Service(lambda rows, size: refusal(413) if size > taken[0] else Accepted())
    sender = Sender(TARGET, service, service, Delivery(), threading.Event())  # type: ignore[arg-type]  # in place of both
    sender.send(0, batch_of(200), Tally())
    taken[0] = 10**9
    for _ in range(100):
        sender.send(0, batch_of(200), Tally())
    service.posted.clear()
    sender.send(0, batch_of(200), Tally())
    assert len(service.posted) <= 2


def test_a_row_that_alone_is_too_large_is_rejected_with_its_size() -> None:
    service = Service(lambda rows, size: refusal(413) if 3 in rows else Accepted())
    tally = send(service, batch_of(8))
    (reject,) = tally.rejects_table().to_pylist()
    assert (reject["row"], reject["reason"]) == (3, "refused by the server: no poison here (7 bytes as JSON)")
    assert tally.statuses == {3: 413}
    assert sorted(service.held) == [0, 1, 2, 4, 5, 6, 7]


def test_a_row_that_the_server_breaks_on_is_given_up_when_others_get_through() -> None:
    failure = ServerError("out of cheese", status=500, method="POST", path="/")
    service = Service(lambda rows, size: Stubborn(failure) if 3 in rows else Accepted())
    tally = send(service, batch_of(8))
    (reject,) = tally.rejects_table().to_pylist()
    assert reject["row"] == 3
    assert "out of cheese" in reject["reason"]
    assert tally.statuses == {3: 500}
    assert service.held == [0, 1, 2, 2, 2, 2, 4, 5, 6, 7]
    assert service.posted.count([3]) == sending.ROUNDS
    assert service.suspected == [False] + [True] * (len(service.posted) - 1)


def test_also_if_it_is_the_first_of_all() -> None:
    failure = ServerError("out of cheese", status=500, method="POST", path="/")
    service = Service(lambda rows, size: Stubborn(failure) if 0 in rows else Accepted())
    tally = send(service, batch_of(8))
    assert tally.rejects_table()["row"].to_pylist() == [0]
    assert sorted(set(service.held)) == list(range(1, 8))
    assert tally.accepted == 7


def test_an_outage_meanwhile_is_not_the_rows_fault() -> None:
    failure = ServerError("out of cheese", status=500, method="POST", path="/")

    def judge(rows: list[int], size: int) -> Outcome:
        is_down = 6 < len(service.posted) < 60
        return Stubborn(failure) if is_down or 3 in rows else Accepted()

    service = Service(judge)
    tally = send(service, batch_of(64))
    assert tally.rejects_table()["row"].to_pylist() == [3]
    assert sorted(set(service.held)) == [row for row in range(64) if row != 3]


def test_but_not_when_the_server_breaks_on_everything() -> None:
    failure = ServerError("out of cheese", status=500, method="POST", path="/")
    service = Service(lambda rows, size: Stubborn(failure))
    service.moved, service.patience = service.moved - 1, 0.2
    with pytest.raises(ServerError):
        send(service, batch_of(8))
    assert "reject" not in {step[0] for step in service.steps}


@pytest.mark.parametrize("on_unknown", ["skip", "raise"])
def test_rows_without_an_answer_are_noted(on_unknown: Any) -> None:
    lost = inb.DeliveryUnknownError("no answer came")
    service = Service(lambda rows, size: Doubtful(lost))
    tally = Tally()
    sender = Sender(TARGET, service, service, Delivery(on_unknown), threading.Event())  # type: ignore[arg-type]  # in place of both
    if on_unknown == "raise":
        with pytest.raises(inb.DeliveryUnknownError):
            sender.send(0, batch_of(3), tally)
    else:
        sender.send(0, batch_of(3), tally)
    assert service.steps[-1] == ("doubt", 0, 0, 2)
    assert tally.unknown_rows().to_pylist() == [0, 1, 2]


@pytest.mark.parametrize("uncertain", [True, False])
def test_what_was_not_delivered_is_taken_back_in_the_journal(uncertain: bool) -> None:
    wrong_key = inb.AuthenticationError("no such key", status=401, method="POST", path="/")
    service = Service(lambda rows, size: Halted(wrong_key, uncertain))
    with pytest.raises(inb.AuthenticationError):
        send(service, batch_of(3))
    assert [step[0] for step in service.steps] == (["begin"] if uncertain else ["begin", "withdraw"])


def test_what_was_noted_ahead_and_not_sent_is_taken_back() -> None:
    service, stop = Service(lambda rows, size: Accepted()), threading.Event()
    stop.set()
    Sender(TARGET, service, service, Delivery(), stop).send(0, batch_of(3), Tally())  # type: ignore[arg-type]  # in place of both
    assert service.steps == [("withdraw", 0, 0, 2)]


def test_rows_that_may_have_arrived_when_it_had_to_stop_are_unknown() -> None:
    late = inb.UploadError("not finished within the deadline of 3 s")
    service, tally = Service(lambda rows, size: Halted(late, True)), Tally()
    sender = Sender(TARGET, service, service, Delivery(), threading.Event())  # type: ignore[arg-type]  # in place of both
    with pytest.raises(inb.UploadError):
        sender.send(0, batch_of(3), tally)
    assert tally.unknown_rows().to_pylist() == [0, 1, 2]


def test_a_stop_in_the_middle_leaves_the_rest() -> None:
    service = Service(lambda rows, size: refusal(413) if len(rows) > 2 else Halted(None, False))
    tally = send(service, batch_of(8))
    assert (tally.accepted, tally.rejected, service.held) == (0, 0, [])
