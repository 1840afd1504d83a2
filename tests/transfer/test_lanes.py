"""Work in lanes: in order within one, several at once, a bounded number ahead, an end for every kind of trouble."""

from __future__ import annotations

import _thread
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from intempt_nb.transfer import lanes as module
from intempt_nb.transfer.lanes import Lanes

if TYPE_CHECKING:
    from collections.abc import Callable


class Worked:
    """Notes what is done, and that no lane is worked on twice at once."""

    def __init__(self, act: Callable[[int, int], None] = lambda lane, piece: None) -> None:
        self.act = act
        self.done: dict[int, list[int]] = defaultdict(list)
        self.most = self.now = 0
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.drained: list[int] = []

    def __call__(self, lane: int, piece: int) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            self.act(lane, piece)
            self.done[lane].append(piece)
        finally:
            with self.lock:
                self.now -= 1

    def over(self, lanes: int, workers: int) -> Lanes[int]:
        return Lanes(lanes, workers, self, self.stop, self.drained.append)


def fill(lanes: Lanes[int], count: int) -> None:
    """Put pieces into the first lane and wait for its end."""
    with lanes:
        for number in range(count):
            lanes.put(0, number, 1)


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_each_lane_is_done_in_order_and_no_more_at_once_than_there_are_workers(workers: int) -> None:
    work = Worked(lambda lane, piece: time.sleep(0.001 * (piece % 3)))
    with work.over(4, workers) as lanes:
        for number in range(80):
            lanes.put(number % 4, number, 1)
    assert dict(work.done) == {lane: list(range(lane, 80, 4)) for lane in range(4)}
    assert work.most == min(workers, 4)


@pytest.mark.parametrize(("limit", "value", "size"), [("WAITING", 10, 0), ("WAITING_BYTES", 100, 10)])
def test_only_so_much_waits(monkeypatch: pytest.MonkeyPatch, limit: str, value: int, size: int) -> None:
    monkeypatch.setattr(module, limit, value)
    go, made = threading.Event(), []
    work = Worked(lambda lane, piece: [go.wait(10), None][1])

    def put() -> None:
        with work.over(1, 1) as lanes:
            for number in range(40):
                lanes.put(0, number, size)
                made.append(number)

    putting = threading.Thread(target=put)
    putting.start()
    while len(made) < 11:
        time.sleep(0.005)
    time.sleep(0.05)
    assert len(made) <= 13
    go.set()
    putting.join()
    assert work.done[0] == list(range(40))


def test_a_failure_stops_every_lane_and_is_raised() -> None:
    def fail(lane: int, piece: int) -> None:
        if piece == 3:
            raise LookupError("no more")

    work = Worked(fail)
    with pytest.raises(LookupError, match="no more"):
        fill(work.over(2, 1), 10_000)
    assert work.done[0] == [0, 1, 2]


def test_a_failure_of_the_last_piece_is_raised_too() -> None:
    def fail(lane: int, piece: int) -> None:
        raise LookupError("no more")

    with pytest.raises(LookupError), Worked(fail).over(1, 1) as lanes:
        lanes.put(0, 1, 1)


def test_an_error_of_the_one_who_puts_waits_for_what_is_under_way() -> None:
    begun = threading.Event()
    work = Worked(lambda lane, piece: [begun.set(), time.sleep(0.1), None][2])

    def put() -> None:
        with work.over(1, 1) as lanes:
            for number in range(5):
                lanes.put(0, number, 1)
            begun.wait(10)
            raise LookupError

    with pytest.raises(LookupError):
        put()
    assert work.done[0] == [0]
    assert work.drained == []


def test_an_interruption_waits_and_says_so_and_a_second_one_does_not_wait() -> None:
    begun, go = threading.Event(), threading.Event()
    work = Worked(lambda lane, piece: [begun.set(), go.wait(10), None][2])

    def interrupt() -> None:
        begun.wait(10)
        _thread.interrupt_main()
        while not work.drained:
            time.sleep(0.005)
        _thread.interrupt_main()

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        fill(work.over(2, 2), 5)
    assert work.drained == [1]
    assert work.done[0] == []
    go.set()


def test_an_interruption_of_the_last_wait_drains_as_well() -> None:
    begun, go = threading.Event(), threading.Event()
    work = Worked(lambda lane, piece: [begun.set(), go.wait(10), None][2])

    def interrupt() -> None:
        begun.wait(10)
        time.sleep(0.05)
        _thread.interrupt_main()
        while not work.drained:
            time.sleep(0.005)
        go.set()

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        fill(work.over(1, 1), 2)
    assert work.done[0] == [0]
