"""Batches on their way: in order, a bounded number ahead, none begun after a failure."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.codecs.wire.bodies import encode_rows
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer import sending
from intempt_nb.transfer.batches import Batch
from intempt_nb.transfer.options import Target
from intempt_nb.transfer.sending import send_all
from intempt_nb.transfer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMA = Schema.parse({"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}]})
TARGET = Target("source", "things", SCHEMA, ("n",))


def batches(count: int) -> Iterator[Batch]:
    """Yield batches of one row, with its number."""
    kind = pa.schema([pa.field("n", pa.int64(), nullable=False)])
    for number in range(count):
        lines = encode_rows(pa.RecordBatch.from_arrays([pa.array([number])], schema=kind), SCHEMA)
        yield Batch(lines, np.array([0]), np.array([number]))


class Server:
    """Takes the place of the transport."""

    def __init__(self, answer: Callable[[int], None] = lambda number: None) -> None:
        self.answer = answer
        self.asked: list[int] = []

    def post_bytes(self, href: str, body: bytes, **options: Any) -> bytes:
        number = int(body.decode().partition(':[{"n":')[2].partition("}")[0])
        self.asked.append(number)
        self.answer(number)
        return b""


def send(server: Server, count: int, workers: int = 1) -> Tally:
    tally = Tally()
    send_all(server, TARGET, batches(count), workers, tally)
    return tally


def test_one_worker_sends_in_order() -> None:
    server = Server()
    assert send(server, 50).accepted == 50
    assert server.asked == list(range(50))


def test_batches_are_made_ahead_while_requests_are_under_way_but_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WAITING_REQUESTS", 10)
    made: list[int] = []
    ahead = threading.Event()

    def counted() -> Iterator[Batch]:
        for number, batch in enumerate(batches(40)):
            made.append(number)
            if number == 10:
                ahead.set()
            yield batch

    most: list[int] = []

    def answer(number: int) -> None:
        assert ahead.wait(10)  # the first answer comes when ten more are made
        most.append(len(made) - number)

    tally = Tally()
    send_all(Server(answer), TARGET, counted(), 1, tally)
    assert tally.accepted == 40
    assert max(most) <= 13


def test_bytes_that_wait_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WAITING_BYTES", 1)
    made: list[int] = []
    most: list[int] = []

    def counted() -> Iterator[Batch]:
        for number, batch in enumerate(batches(40)):
            made.append(number)
            yield batch

    send_all(Server(lambda number: most.append(len(made) - number)), TARGET, counted(), 2, Tally())
    assert max(most) <= 2 * 2 + 3


def test_nothing_is_begun_after_a_request_failed_for_good() -> None:
    def answer(number: int) -> None:
        if number == 3:
            raise inb.AuthenticationError("no such key", status=401, method="POST", path="/")

    server = Server(answer)
    with pytest.raises(inb.AuthenticationError) as caught:
        send(server, 100)
    assert server.asked == [0, 1, 2, 3]
    assert "3 rows were accepted" in "".join(caught.value.__notes__)
