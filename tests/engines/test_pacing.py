"""One rate for all workers: simulated ones against a token bucket, and real processes against the sandbox."""

from __future__ import annotations

import heapq
import itertools
import json
import multiprocessing
import pickle
import random
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import intempt_nb as inb
from intempt_nb.engines.desk import DeskAddress
from intempt_nb.engines.pacing import Warden, _side_of, pacing
from intempt_nb.engines.places import Place, lend_key
from intempt_nb.transfer.delivery import Accepted, Courier
from intempt_nb.transfer.options import Delivery
from intempt_nb.transfer.pacing import Pace
from intempt_nb.transfer.state import state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from intempt_nb.engines.pacing import SharedPace

EVEN, SKEWED = (25, 25, 25, 25), (70, 10, 10, 10)
"""Percent of the posts that each of four workers has."""
PLACE = Place("org", "https://api.example.com", (1.0, 1.0))


@dataclass
class Simulation:
    """Workers that post one by one, as the driver lets them, to a server with a token bucket; time is simulated."""

    folder: Path
    rate: float
    burst: float
    known: float | None = None
    now: float = 1000.0
    refusals: int = 0
    tokens: float = field(init=False)
    filled: float = 1000.0

    def __post_init__(self) -> None:
        self.tokens = self.burst
        most = float("inf") if self.known is None else self.known
        pace = Pace(self.folder, PLACE.base_url, most=most, clock=lambda: self.now)
        self.ask = Warden(pace, careful=self.known is None, clock=lambda: self.now).handlers()

    def takes(self) -> bool:
        self.tokens = min(self.burst, self.tokens + (self.now - self.filled) * self.rate)
        self.filled = self.now
        self.tokens -= (taken := self.tokens >= 1)
        return taken

    def run(self, posts: Sequence[int], latency: float, seed: int) -> float:
        """Return the seconds that it took to bring the posts of all workers."""
        chance, number, left, start = random.Random(seed), itertools.count(), list(posts), self.now
        events = [(start + chance.random() / 1000, next(number), worker, "ask") for worker in range(len(posts))]
        heapq.heapify(events)
        while any(left):
            self.now, _, worker, what = heapq.heappop(events)
            wait, then = latency / 2 * chance.uniform(0.6, 1.4), "ask"
            match what:
                case "ask" if left[worker]:
                    seconds = self.ask["permit"](None)[0]
                    wait, then = (seconds + chance.random() / 1000, "ask") if seconds else (wait, "arrive")
                case "arrive":
                    then = "taken" if self.takes() else "refused"
                case "taken":
                    left[worker] -= 1
                    self.ask["succeeded"](None)
                case "refused":
                    self.refusals += 1
                    self.ask["refused"](1.0)
                    wait = chance.uniform(0, 0.5)
                case _:
                    continue
            heapq.heappush(events, (self.now + wait, next(number), worker, then))
        return self.now - start


@pytest.fixture(autouse=True)
def same_chance() -> None:
    random.seed(1)  # of the pauses


@pytest.mark.parametrize("split", [EVEN, SKEWED])
@pytest.mark.parametrize("rate", [10, 20, 40, 160])
def test_workers_that_know_no_rate_come_near_the_ideal_and_are_refused_a_few_times(
    tmp_path: Path, rate: int, split: tuple[int, ...]
) -> None:
    # For ten seconds, against a server that lets a second's worth come at once and has everybody wait for one.
    server = Simulation(tmp_path, rate, rate)
    seconds = server.run([rate * each // 10 for each in split], min(0.005, 0.4 / rate), seed=rate)
    assert seconds <= 1.15 * 9
    assert server.refusals < (5 if rate <= 40 else 8)  # the faster, the more are under way at a refusal


@pytest.mark.parametrize("split", [EVEN, SKEWED])
def test_where_little_may_come_at_once_the_pauses_cost_more(tmp_path: Path, split: tuple[int, ...]) -> None:
    # Of each second's pause the bucket makes up for a quarter; two refusals are needed to tell what it holds and the
    # rate: 11.25 s at best, and 9.75 s for who knows the rate.
    server = Simulation(tmp_path, 40, 10)
    assert server.run([4 * each for each in split], 0.005, seed=1) <= 11.8
    assert server.refusals < 5


@pytest.mark.parametrize("split", [EVEN, SKEWED])
@pytest.mark.parametrize("rate", [10, 40, 160])
def test_a_known_rate_is_kept_by_all_together_without_a_refusal(
    tmp_path: Path, rate: int, split: tuple[int, ...]
) -> None:
    server = Simulation(tmp_path, rate, max(rate / 10, 3), known=rate)
    seconds = server.run([rate * each // 10 for each in split], min(0.005, 0.4 / rate), seed=rate)
    assert (seconds, server.refusals) == (pytest.approx(10, rel=0.03), 0)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_worker_that_dies_with_the_probe_does_not_hold_up_the_others(tmp_path: Path) -> None:
    clock = Clock()
    warden = Warden(Pace(tmp_path, "x", clock=clock), careful=False, clock=clock)
    ask = warden.handlers()
    for _ in range(10):
        ask["failed"](None)
    clock.now += 2
    waits: list[float] = []

    def die() -> None:
        waits.append(ask["permit"](None)[0])
        waits.append(ask["permit"](None)[0])  # another's
        warden.gone()

    worker = threading.Thread(target=die)
    worker.start()
    worker.join()
    assert waits == [0.0, pytest.approx(0.25)]
    assert ask["permit"](None)[0] == 0.0


def test_workers_that_wait_are_told_different_times(tmp_path: Path) -> None:
    clock = Clock()
    permit = Warden(Pace(tmp_path, "x", most=10.0, clock=clock), careful=False, clock=clock).handlers()["permit"]
    while not permit(None)[0]:
        pass
    clock.now += 0.001
    waits = [permit(None)[0] for _ in range(5)]
    assert [later - earlier for earlier, later in itertools.pairwise(waits)] == [pytest.approx(0.1)] * 4
    assert max(permit(None)[0] for _ in range(1000)) <= 1.2  # the rate may rise


def test_what_cannot_be_a_rate_is_refused() -> None:
    of_rate, of_workers = ((0.0, 1, "rate is 0.0"), (float("nan"), 1, "rate is nan")), (1.0, 0, "workers is 0")
    for rate, workers, message in (*of_rate, ("5", 1, "rate is '5'"), of_workers):
        with pytest.raises(inb.ConfigurationError, match=message), pacing(PLACE, workers, rate=rate):
            pass


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was learned of a server in another test is not known."""
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))


@pytest.fixture
def shared(own_state: None) -> Iterator[SharedPace]:
    with pacing(PLACE, 4, rate=100.0) as pace:
        yield pickle.loads(pickle.dumps(pace))


def until_permitted(pace: SharedPace) -> None:
    while pace.permit():
        pass


def test_what_one_worker_is_told_holds_for_all_and_for_other_uploads_of_the_driver(shared: SharedPace) -> None:
    until_permitted(shared)
    shared.refused(30.0)
    told: list[float] = []
    another = threading.Thread(target=lambda: told.append(shared.permit()))
    another.start()
    another.join()
    assert told[0] > 29
    assert shared.permit() > 29
    assert shared.said() == "the server asked to wait"
    assert Pace(state_folder(), PLACE.base_url).permit() > 29


def test_without_the_driver_a_worker_has_its_share_and_comes_back_to_it(
    shared: SharedPace, monkeypatch: pytest.MonkeyPatch
) -> None:
    until_permitted(shared)
    shared.succeeded()

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(DeskAddress, "call", away)
        wait = next(filter(None, (shared.permit() for _ in range(100))))
        assert 0 < wait <= 4 / 100.0
        assert "share" in (shared.said() or "")
    assert 0 < shared.permit() <= 4 / 100.0  # it is not tried at once
    monkeypatch.setattr("intempt_nb.engines.pacing.time.monotonic", lambda: 1e9)
    until_permitted(shared)
    shared.refused(30.0)
    assert shared.permit() > 29
    assert shared.said() == "the server asked to wait"


def test_where_nothing_can_be_known_a_worker_keeps_to_what_it_is_told_itself(
    shared: SharedPace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(DeskAddress, "call", away)
    shared.refused(30.0)
    assert shared.permit() > 29


def test_a_driver_that_does_not_answer_is_tried_ever_more_seldom_by_one_thread_at_a_time(
    shared: SharedPace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, tries = [1000.0], list[tuple[float, float]]()

    def away(*_: Any, patience: float) -> None:
        tries.append((now[0] - 1000, patience))
        if len(tries) > 1:  # another thread would wait as long
            _side_of(shared).ask("permit", None)
        raise TimeoutError

    monkeypatch.setattr("intempt_nb.engines.pacing.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(DeskAddress, "call", away)
    for second in range(240):
        now[0] = 1000.0 + second
        shared.dropped()
    assert tries == [(0, 5), (3, 1), (9, 1), (21, 1), (45, 1), (93, 1), (153, 1), (213, 1)]


def work(place: Place, pace: SharedPace, source_id: str, worker: int, posts: int, start: Any, out: Any) -> None:
    courier = Courier(place.connect(), source_id, pace, Delivery("repost"), threading.Event())
    bodies = [json.dumps({"things": [{"id": f"{worker}/{number}"}]}).encode() for number in range(posts)]
    start.wait(60)
    out.put([isinstance(courier.deliver(body), Accepted) for body in bodies])


def test_processes_share_the_rate(client: inb.Client, shop: inb.SourceHandle, own_state: None) -> None:
    fields = [{"name": "id", "type": "string"}]
    things = shop.create_collection("things", {"type": "record", "name": "t", "fields": fields})
    things.create_identifier("id", fields=["id"])
    lend_key(client)
    context, place, posts = multiprocessing.get_context("spawn"), Place.of(client._transport), [50, 20, 20]
    client.sandbox.faults({"path": "/sources/*/data", "rate": 75, "burst": 15, "status": 429, "retry_after": 1})
    with pacing(place, len(posts), rate=60.0) as pace:
        start, out = context.Barrier(len(posts)), context.Queue()
        arguments = [(place, pace, shop.id, worker, count, start, out) for worker, count in enumerate(posts)]
        processes = [context.Process(target=work, args=each) for each in arguments]
        for process in processes:
            process.start()
        assert sorted(sum(out.get(timeout=60)) for _ in posts) == [20, 20, 50]
        for process in processes:
            process.join()
    (rule,) = client.sandbox.faults().rules
    assert (rule.matched, rule.applied) == (90, 0)  # each by itself would send faster than that
    assert things.count() == 90
