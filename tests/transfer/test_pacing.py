"""The pace: what follows from answers, in simulated time; what processes share, with real ones."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.transfer.pacing import Pace, State, dropped, failed, limit, permit, refused, succeeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ADDRESS = "https://api.example.com"


class Clock:
    """Seconds that pass when told to."""

    def __init__(self, now: float = 1e6) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(tmp_path: Path, clock: Clock) -> Pace:
    return Pace(tmp_path, ADDRESS, clock=clock)


@pytest.fixture
def often() -> Iterator[None]:
    """Have threads interrupt each other often."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


class Bucket:
    """A server that lets so many requests a second through, and some at once, and asks the others to wait a second."""

    def __init__(self, rate: Callable[[float], float], burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.filled = burst, 0.0

    def takes(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate(now))
        self.filled = now
        self.tokens -= (taken := self.tokens >= 1)
        return taken


def simulate(server: Bucket, posts: int, workers: int = 4, latency: float = 0.005, seed: int = 0) -> tuple[float, int]:
    """Have workers post to a server; return the seconds that it took, and how often they were refused."""
    chance, number = random.Random(seed), itertools.count()
    events = [(chance.random() / 1000, next(number), "ask") for _ in range(workers)]
    state, left, passed, refusals, now = State(), posts, 0, 0, 0.0
    heapq.heapify(events)
    while passed < posts:
        now, _, what = heapq.heappop(events)
        wait, then = latency / 2 * chance.uniform(0.6, 1.4), "ask"
        match what:
            case "ask" if left:
                state, seconds = permit(state, now)
                left -= not seconds
                wait, then = (seconds + chance.random() / 500, "ask") if seconds else (wait, "arrive")
            case "arrive":
                then = "accepted" if server.takes(now) else "refused"
            case "accepted":
                state, passed, wait = succeeded(state, now), passed + 1, 0.0
            case "refused":
                state, refusals, left, wait = refused(state, now, 1.0, chance.random()), refusals + 1, left + 1, 0.0
        heapq.heappush(events, (now + wait, next(number), then))
    return now, refusals


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("workers", "at_most"), [(1, 12.5), (4, 12.5), (16, 17)])
def test_the_rate_of_a_server_is_found(workers: int, at_most: float, seed: int) -> None:
    # At best 9.75 s, and 11.25 with two pauses, in which the bucket fills to a quarter of what the rate would be good
    # for. With nothing but the pauses it takes 20 to 40 s, and 50 refusals.
    seconds, refusals = simulate(Bucket(lambda now: 40.0, 10), 400, workers, seed=seed)
    assert seconds < at_most
    assert refusals <= workers + 4


def measured(rate: float, burst: int) -> tuple[State, int]:
    """Return what is known of a server when its rate is no guess any more, and how many refusals that took."""
    server, state, now, refusals = Bucket(lambda now: rate, burst), State(), 0.0, 0
    while not refusals or state.guessed:
        state, wait = permit(state, now)
        now += wait or 0.001
        if not wait:
            taken = server.takes(now)
            state = succeeded(state, now) if taken else refused(state, now, 1.0)
            refusals += not taken
    return state, refusals


@pytest.mark.parametrize("burst", [5, 10, 20, 40, 80])
@pytest.mark.parametrize("rate", [5.0, 12.0, 40.0, 111.0, 300.0])
def test_the_second_refusal_tells_the_rate_whatever_the_bucket_holds(rate: float, burst: int) -> None:
    state, refusals = measured(rate, burst)
    assert refusals < 5
    assert state.rate == pytest.approx(rate, rel=0.12)


@pytest.mark.parametrize("most", [5.0, 40.0])
def test_a_rate_that_is_set_is_kept_from_the_first_request_on(tmp_path: Path, clock: Clock, most: float) -> None:
    pace, start, granted = Pace(tmp_path, ADDRESS, most=most, clock=clock), clock.now, 0
    while clock.now < start + 10:
        wait, _, rate = pace.ask()
        assert rate == most
        granted += not wait
        assert granted < 1000
        clock.now += wait
    assert granted == pytest.approx(10 * most, abs=2)
    pace.refused(1.0)
    clock.now += 1.1
    assert pace.ask()[2] < most  # it was too much all the same


@pytest.mark.parametrize("seed", range(5))
def test_a_server_that_slows_down_is_followed(seed: int) -> None:
    # 210 in the first 5 s at best, the other 190 at 10 a second.
    seconds, refusals = simulate(Bucket(lambda now: 40.0 if now < 5 else 10.0, 10), 400, seed=seed)
    assert seconds < 40
    assert refusals < 25


@pytest.mark.parametrize("seed", range(5))
def test_a_server_that_speeds_up_is_followed(seed: int) -> None:
    # 210 in the first 20 s at best; at 10 a second the others would take another 179.
    seconds, _ = simulate(Bucket(lambda now: 10.0 if now < 20 else 80.0, 10), 2000, seed=seed)
    assert seconds < 80


def test_there_is_no_limit_before_a_refusal(pace: Pace) -> None:
    for _ in range(200):
        assert pace.permit() == 0.0
        pace.succeeded()


def seconds_between(pace: Pace, clock: Clock) -> float:
    """Wait as told until a request may begin; return for how long that was."""
    start = clock.now
    for _ in range(1000):
        if not (wait := pace.permit()):
            return clock.now - start
        clock.now += wait
    pytest.fail("it waits for ever")


@pytest.mark.parametrize(("asked", "kept"), [(2.0, 2.0), (7.5, 7.5), (60.0, 60.0), (3600.0, 60.0), (math.inf, 60.0)])
@pytest.mark.parametrize("told", ["refused", "failed"])
def test_everybody_waits_as_long_as_the_server_asks(tmp_path: Path, told: str, asked: float, kept: float) -> None:
    clock = Clock()
    pace, other = (Pace(tmp_path, ADDRESS, clock=clock) for _ in range(2))
    assert pace.permit() == 0.0
    getattr(pace, told)(asked)
    assert kept <= other.permit() <= kept * 1.1
    assert kept <= seconds_between(other, clock) <= kept * 1.1


def test_a_longer_pause_is_kept_where_that_is_wanted(tmp_path: Path, clock: Clock) -> None:
    pace = Pace(tmp_path, ADDRESS, longest_pause=600.0, clock=clock)
    pace.refused(500.0)
    assert 500.0 <= pace.permit() <= 550.0


def test_a_refusal_that_does_not_say_how_long_makes_pauses_that_double(pace: Pace, clock: Clock) -> None:
    for expected in (1, 2, 4, 8, 16, 32, 60, 60):
        pace.refused(None)
        assert expected <= seconds_between(pace, clock) <= expected * 1.1
    pace.succeeded()
    pace.refused(None)
    assert seconds_between(pace, clock) <= 1.1


def test_what_was_under_way_at_a_refusal_changes_the_pause_and_not_the_rate() -> None:
    state = State()
    for _ in range(20):
        state, _ = permit(state, 100.0)
    for _ in range(10):
        state = succeeded(state, 100.5)
    once = refused(state, 100.5, 1.0)
    again = succeeded(refused(refused(once, 100.6, None), 100.6, 0.5), 100.7)
    assert (again.rate, again.paused_until, again.passed) == (once.rate, once.paused_until, 0)
    assert refused(again, 100.7, 5.0).paused_until == 105.7
    assert refused(again, 100.7, 5.0).rate == once.rate


def test_refusals_with_nothing_between_them_are_no_measure_of_the_rate() -> None:
    state = refused(succeeded(permit(State(), 100.0)[0], 100.1), 100.2, 1.0)
    again = refused(permit(state, 101.3)[0], 102.3, 1.0)
    assert again.paused_until == 103.3
    assert limit(again, 103.3) == limit(state, 101.2)


def test_a_refusal_that_came_late_does_not_make_the_limit_as_slow() -> None:
    state = succeeded(permit(State(), 100.0)[0], 101.0)
    assert limit(refused(state, 900.0, 60.0), 960.0) >= 0.1


def test_without_refusals_the_limit_rises_and_is_dropped_in_the_end() -> None:
    state = refused(succeeded(permit(State(), 100.0)[0], 100.1), 100.2, 1.0)
    limits = [limit(state, 101.2 + seconds) for seconds in range(60)]
    assert limits == sorted(set(limits))
    assert limits[0] < math.inf
    assert limit(state, 162.0) == math.inf


def test_the_first_rate_is_doubted_sooner_than_later_ones() -> None:
    first = refused(succeeded(permit(State(), 100.0)[0], 100.1), 100.2, 1.0)
    assert limit(first, 106.3) > 2 * limit(first, 101.2)
    later, _ = measured(40, 10)
    assert limit(later, later.rate_since + 5) < 1.2 * later.rate
    assert limit(later, later.rate_since + 26) > 2 * later.rate


def test_many_failures_in_a_row_open_the_circuit_and_a_success_closes_it(pace: Pace, clock: Clock) -> None:
    for _ in range(9):
        pace.failed()
    assert pace.permit() == 0.0
    pace.failed()
    for expected in (1, 2, 4, 8, 16, 30, 30):
        assert expected <= pace.permit() <= expected * 1.1
        pace.failed()  # sent before: says nothing new
        assert expected <= seconds_between(pace, clock) <= expected * 1.1
        assert pace.permit() > 0  # one probe at a time
        pace.failed()
    seconds_between(pace, clock)
    pace.succeeded()
    assert [pace.permit() for _ in range(20)] == [0.0] * 20


def test_a_success_between_failures_keeps_the_circuit_closed(pace: Pace) -> None:
    for _ in range(9):
        pace.failed()
    pace.succeeded()
    for _ in range(9):
        pace.failed()
    assert pace.permit() == 0.0


def test_a_probe_whose_process_died_does_not_keep_the_circuit_open(pace: Pace, clock: Clock) -> None:
    for _ in range(10):
        pace.failed()
    seconds_between(pace, clock)
    assert seconds_between(pace, clock) == pytest.approx(30)


def test_a_probe_that_is_dropped_lets_another_one_begin(pace: Pace, clock: Clock) -> None:
    for _ in range(10):
        pace.failed()
    seconds_between(pace, clock)
    assert pace.permit() > 0
    pace.dropped()
    assert pace.permit() == 0.0
    assert pace.permit() > 0


def test_slots_that_are_dropped_are_given_to_others(tmp_path: Path, no_jitter: None) -> None:
    pace = limited(tmp_path)
    granted = sum(pace.permit() == 0.0 for _ in range(2000))
    for _ in range(10):
        pace.dropped()
    assert sum(pace.permit() == 0.0 for _ in range(granted)) == 10


def test_what_is_dropped_ends_no_pause_and_no_circuit(pace: Pace, clock: Clock) -> None:
    pace.permit()
    pace.refused(5.0)
    pace.dropped()
    assert 5.0 <= seconds_between(pace, clock) <= 5.5
    for _ in range(10):
        pace.failed()
    pace.dropped()
    assert pace.permit() > 0.9


def test_it_says_what_it_waits_for(tmp_path: Path, pace: Pace, clock: Clock) -> None:
    assert pace.said() is None
    pace.permit()
    pace.refused(5.0)
    pace.permit()
    assert pace.said() == "the server asked to wait"
    seconds_between(pace, clock)
    assert pace.said() is None
    for _ in range(10):
        pace.failed()
    pace.permit()
    assert pace.said() == "the server does not answer as it should"
    crowded = limited(tmp_path / "none")
    while not crowded.permit():
        pass
    assert crowded.said() == "the server takes no more requests a second"


HAPPENINGS = st.one_of(
    st.just(permit),
    st.just(lambda state, now: (succeeded(state, now), 0.0)),
    st.just(lambda state, now: (dropped(state, now), 0.0)),
    st.builds(
        lambda what, asked, jitter: lambda state, now: (what(state, now, asked, jitter), 0.0),
        st.sampled_from([refused, failed]),
        st.none() | st.floats(0, math.inf),
        st.floats(0, 1),
    ),
)


@given(st.lists(st.tuples(HAPPENINGS, st.sampled_from([0.0, 0.001, 0.3, 7.0, 100.0, 1e6])), max_size=60))
def test_whatever_happened_who_waits_as_told_may_go_on_soon(history: list[tuple[Callable[..., object], float]]) -> None:
    state, now = State(), 50.0
    for what, seconds in history:
        state, wait = what(state, now)
        assert 0 <= wait <= 66
        now += seconds
    start = now
    while wait := permit(state, now)[1]:
        now += max(wait, 1e-6)
    assert now - start <= 66


def test_addresses_have_a_pace_of_their_own_in_files_that_do_not_name_them(tmp_path: Path, clock: Clock) -> None:
    one, other = (Pace(tmp_path, address, clock=clock) for address in (ADDRESS, "https://other.example.com"))
    one.refused(5.0)
    assert one.permit() > 0
    assert other.permit() == 0.0
    assert len(files := list(tmp_path.iterdir())) == 2
    assert not any("example" in file.name for file in files)
    if sys.platform != "win32":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_machines_that_share_a_folder_do_not_share_a_pace(
    tmp_path: Path, clock: Clock, pace: Pace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace.refused(5.0)
    monkeypatch.setattr("platform.node", lambda: "another")
    assert Pace(tmp_path, ADDRESS, clock=clock).permit() == 0.0


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:50], lambda data: b"\xff" * 500,
                                    lambda data: data[:12] + b"\x7f" + data[13:]])  # fmt: skip
def test_a_damaged_file_is_taken_for_nothing_known_and_written_anew(
    tmp_path: Path, clock: Clock, pace: Pace, damage: Callable[[bytes], bytes]
) -> None:
    pace.refused(5.0)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert pace.permit() == 0.0
    pace.refused(5.0)
    assert Pace(tmp_path, ADDRESS, clock=clock).permit() >= 5.0


def test_where_no_file_can_be_written_a_process_keeps_its_own_pace(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "folder").write_text("is none")
    pace = Pace(tmp_path / "folder", ADDRESS, clock=clock)
    assert pace.permit() == 0.0
    pace.refused(5.0)
    assert 5.0 <= seconds_between(pace, clock) <= 5.5


def test_jumps_of_the_clock_on_the_wall_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pace(tmp_path, ADDRESS)
    pace.refused(30.0)
    for jump in (-1e9, 1e9):
        monkeypatch.setattr(time, "time", lambda jump=jump: 1.7e9 + jump)
        assert 20.0 < pace.permit() <= 33.0


@pytest.mark.parametrize("restarted", [0.0, 3.0, 999_990.0])
def test_what_was_known_before_the_machine_restarted_neither_blocks_nor_stays(
    pace: Pace, clock: Clock, restarted: float
) -> None:
    for _ in range(10):
        pace.failed()
    pace.refused(60.0)
    clock.now = restarted
    assert pace.permit() == 0.0
    pace.refused(5.0)
    assert 5.0 <= seconds_between(pace, clock) <= 5.5
    assert pace.permit() > 0  # a limit is learned again


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)


def limited(folder: Path) -> Pace:
    """Make a pace that is past a pause, with a limit, at a time that stands still."""
    clock = Clock()
    pace = Pace(folder, ADDRESS, clock=clock)
    pace.permit()
    for _ in range(2000):
        pace.succeeded()
    clock.now += 0.1
    pace.refused(0.02)
    clock.now += 1
    return pace


@pytest.mark.parametrize("folder", [".", "none"])
def test_threads_share_the_slots(tmp_path: Path, folder: str, often: None, no_jitter: None) -> None:
    alone, shared = limited(tmp_path / "none"), limited(tmp_path / folder)
    expected = sum(alone.permit() == 0.0 for _ in range(2000))
    granted: list[int] = []
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait()
        granted.append(sum(shared.permit() == 0.0 for _ in range(expected)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == expected
    assert 100 < expected < 2000


ASK = """
import sys, pathlib
from intempt_nb.transfer.pacing import Pace
pace = Pace(pathlib.Path(sys.argv[1]), sys.argv[2], clock=lambda: float(sys.argv[3]))
input()
print(sum(pace.permit() == 0.0 for _ in range(1000)))
"""


def test_processes_share_the_slots(tmp_path: Path, no_jitter: None) -> None:
    alone, _ = limited(tmp_path / "none"), limited(tmp_path)
    expected = sum(alone.permit() == 0.0 for _ in range(2000))
    command = [sys.executable, "-c", ASK, str(tmp_path), ADDRESS, str(Clock().now + 1.1)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert sum(int(process.communicate()[0]) for process in processes) == expected


HOLD = """
import fcntl, sys, time
with open(sys.argv[1], "r+b") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(10)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no fcntl")
def test_a_process_that_is_stopped_or_killed_with_the_lock_does_not_hold_up_the_others(
    tmp_path: Path, clock: Clock, pace: Pace
) -> None:
    import fcntl

    pace.refused(30.0)
    (file,) = tmp_path.iterdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            assert pace.permit() >= 30.0  # by what it knows itself
            with file.open() as opened, pytest.raises(BlockingIOError):  # it is held still
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            holder.send_signal(signal.SIGKILL)
    assert Pace(tmp_path, ADDRESS, clock=clock).permit() >= 30.0
