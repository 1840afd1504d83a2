"""One body: what each kind of answer comes to, what is sent again, and when it ends."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import intempt_nb as inb
from intempt_nb.api.answers import Answer
from intempt_nb.api.credentials import Secret
from intempt_nb.api.retries import Failure
from intempt_nb.api.transport import Transport
from intempt_nb.transfer import delivery
from intempt_nb.transfer.delivery import Accepted, Courier, Doubtful, Halted, Outcome, Refused, Stubborn
from intempt_nb.transfer.options import Delivery, OnUnknown

if TYPE_CHECKING:
    from collections.abc import Sequence

LOST = Failure("connection reset", sent=True, retry=True)
NEVER_SENT = Failure("connection refused", sent=False, retry=True)
HOPELESS = Failure("certificate verify failed", sent=False, retry=False)


def answer(status: int, **headers: str) -> Answer:
    return Answer("POST", "/x", status, headers, b'{"message": "so it is"}')


class Scripted(Transport):
    """Gives outcomes one after the other, the last one for ever."""

    def __init__(self, *outcomes: Answer | Failure) -> None:
        super().__init__("http://127.0.0.1:1", "o", Secret("k"))
        self.outcomes = list(outcomes)
        self.asked: list[float | None] = []

    def attempt(self, href: str, body: bytes, within: float | None = None) -> Answer | Failure:
        assert (href, body) == ("sources/7/data", b"{}")
        self.asked.append(within)
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


class Told:
    """Takes the place of the pace, and notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.waits: list[float] = []

    def permit(self) -> float:
        return self.waits.pop(0) if self.waits else 0.0

    def succeeded(self) -> None:
        self.heard.append("succeeded")

    def refused(self, retry_after: float | None) -> None:
        self.heard.append(("refused", retry_after))

    def failed(self, retry_after: float | None = None) -> None:
        self.heard.append(("failed", retry_after))

    def dropped(self) -> None:
        self.heard.append("dropped")

    def said(self) -> str | None:
        return "the server asked to wait"


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "backoff", lambda attempt: 0.0)


def deliver(
    *outcomes: Answer | Failure, on_unknown: OnUnknown = "repost", deadline: float | None = None
) -> tuple[Outcome, list[Any], int]:
    """Return what becomes of a body, what the pace heard, and how often it was sent."""
    pace, transport = Told(), Scripted(*outcomes)
    courier = Courier(transport, "7", pace, Delivery(on_unknown, deadline), threading.Event())  # type: ignore[arg-type]  # as the pace
    return courier.deliver(b"{}"), pace.heard, len(transport.asked)


def test_accepted() -> None:
    assert deliver(answer(201)) == (Accepted(), ["succeeded"], 1)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_is_the_callers_to_narrow_down(status: int) -> None:
    outcome, heard, sent = deliver(answer(status))
    assert isinstance(outcome, Refused)
    assert (outcome.error.status, heard, sent) == (status, ["succeeded"], 1)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, inb.TransportError),
        (401, inb.AuthenticationError),
        (403, inb.PermissionDeniedError),
        (404, inb.NotFoundError),
        (405, inb.RejectedError),
        (410, inb.NotFoundError),
    ],
)
def test_what_no_repeat_can_change_ends_the_upload(status: int, error: type[Exception]) -> None:
    outcome, heard, sent = deliver(answer(status))
    assert isinstance(outcome, Halted)
    assert isinstance(outcome.error, error)
    assert (outcome.uncertain, heard, sent) == (False, ["succeeded"], 1)


def test_a_certificate_that_is_not_known_ends_it_too() -> None:
    outcome, _, sent = deliver(HOPELESS)
    assert isinstance(outcome, Halted)
    assert (type(outcome.error), outcome.uncertain, sent) == (inb.TransportError, False, 1)


@pytest.mark.parametrize("on_unknown", ["repost", "skip", "raise"])
@pytest.mark.parametrize(
    ("first", "heard"),
    [
        (NEVER_SENT, ("failed", None)),
        (answer(429), ("refused", None)),
        (answer(429, **{"retry-after": "7"}), ("refused", 7.0)),
        (answer(503, **{"retry-after": "7"}), ("refused", 7.0)),
        (answer(503), ("failed", None)),
    ],
)
def test_what_was_not_stored_is_sent_again_whatever_is_wanted(
    on_unknown: OnUnknown, first: Answer | Failure, heard: Any
) -> None:
    assert deliver(first, first, answer(201), on_unknown=on_unknown) == (Accepted(), [heard, heard, "succeeded"], 3)


@pytest.mark.parametrize("first", [LOST, answer(500), answer(502), answer(504)])
def test_what_may_be_stored_is_sent_again_if_that_is_harmless(first: Answer | Failure) -> None:
    assert deliver(first, answer(201)) == (Accepted(), [("failed", None), "succeeded"], 2)
    for on_unknown in ("skip", "raise"):
        outcome, _, sent = deliver(first, answer(201), on_unknown=on_unknown)
        assert isinstance(outcome, Doubtful)
        assert sent == 1


def test_what_may_be_stored_stays_so_when_later_attempts_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 0.05)
    outcome, _, sent = deliver(LOST, NEVER_SENT)
    assert isinstance(outcome, Halted)
    assert (type(outcome.error), outcome.uncertain) == (inb.DeliveryUnknownError, True)
    assert sent > 2


def test_it_gives_up_when_nothing_comes_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 0.05)
    outcome, _, _ = deliver(NEVER_SENT)
    assert isinstance(outcome, Halted)
    assert (type(outcome.error), outcome.uncertain) == (inb.TransportError, False)
    outcome, _, _ = deliver(answer(503))
    assert isinstance(outcome, Halted)
    assert type(outcome.error) is inb.ServerError


def test_a_pause_is_no_time_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 0.1)
    monkeypatch.setattr(delivery, "HELD_POLL", 0.02)
    transport, held = Scripted(NEVER_SENT, NEVER_SENT, answer(201)), iter([False, *[True] * 20])
    pace, stop = Told(), threading.Event()
    courier = Courier(transport, "7", pace, Delivery(), stop, held=lambda: next(held, False))  # type: ignore[arg-type]  # as the pace
    assert courier.deliver(b"{}") == Accepted()
    assert len(transport.asked) == 3


def test_a_server_that_asks_to_come_back_next_week_ends_it_at_once() -> None:
    outcome, heard, sent = deliver(answer(429, **{"retry-after": "600000"}))
    assert isinstance(outcome, Halted)
    assert isinstance(outcome.error, inb.RateLimitedError)
    assert (outcome.error.retry_after, heard, sent) == (600_000.0, ["succeeded"], 1)


@pytest.mark.parametrize("each_time", [answer(500), answer(504), LOST])
def test_a_body_that_the_server_breaks_on_each_time_is_the_callers_to_narrow_down(each_time: Answer | Failure) -> None:
    outcome, _, sent = deliver(each_time)
    assert isinstance(outcome, Stubborn)
    assert sent == delivery.STUBBORN


def test_of_a_suspect_the_pace_is_not_told_that_the_server_breaks_on_it() -> None:
    pace = Told()
    courier = Courier(Scripted(answer(500), LOST, answer(201)), "7", pace, Delivery(), threading.Event())  # type: ignore[arg-type]  # as the pace
    assert courier.deliver(b"{}", suspect=True) == Accepted()
    assert pace.heard == ["dropped", "dropped", "succeeded"]
    assert courier.troubles == {"500": 1, "no answer": 1}


def test_the_deadline_ends_waits_and_requests() -> None:
    pace, transport = Told(), Scripted(LOST)
    pace.waits = [0.0, 60.0, 60.0]
    courier = Courier(transport, "7", pace, Delivery(deadline=0.2), threading.Event())  # type: ignore[arg-type]  # as the pace
    started = time.monotonic()
    outcome = courier.deliver(b"{}")
    assert isinstance(outcome, Halted)
    assert isinstance(outcome.error, inb.UploadError)
    assert "deadline of 0.2 s" in str(outcome.error)
    assert outcome.uncertain
    assert time.monotonic() - started < 5
    (within,) = transport.asked
    assert within is not None
    assert 0 < within <= 0.2


def test_the_deadline_ends_a_wait_before_the_next_attempt_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "backoff", lambda attempt: 60.0)
    started = time.monotonic()
    outcome, _, sent = deliver(LOST, deadline=0.2)
    assert isinstance(outcome, Halted)
    assert (outcome.uncertain, sent) == (True, 1)
    assert time.monotonic() - started < 5


def test_a_connection_that_was_closed_meanwhile_ends_it_and_nothing_was_sent() -> None:
    transport, pace = Transport("http://127.0.0.1:1", "o", Secret("k")), Told()
    transport.close()
    outcome = Courier(transport, "7", pace, Delivery(), threading.Event()).deliver(b"{}")  # type: ignore[arg-type]  # as the pace
    assert isinstance(outcome, Halted)
    assert (type(outcome.error), outcome.uncertain, pace.heard) == (inb.TransportError, False, ["dropped"])


def test_whoever_watches_is_told_why_nothing_is_sent() -> None:
    pace, told = Told(), []
    pace.waits = [0.01, delivery.SHOWN_WAIT + 0.01]
    courier = Courier(Scripted(answer(201)), "7", pace, Delivery(), threading.Event(), waiting=told.append)  # type: ignore[arg-type]  # as the pace
    assert courier.deliver(b"{}") == Accepted()
    assert told == ["the server asked to wait", None]


@pytest.mark.parametrize("waits", [[], [60.0]])
def test_nothing_is_begun_once_it_is_told_to_stop(waits: Sequence[float]) -> None:
    pace, transport, stop = Told(), Scripted(LOST), threading.Event()
    pace.waits = list(waits)
    courier = Courier(transport, "7", pace, Delivery(), stop)  # type: ignore[arg-type]  # as the pace
    if waits:
        threading.Timer(0.05, stop.set).start()
    else:
        stop.set()
    assert courier.deliver(b"{}") == Halted(None, False)
    assert transport.asked == []
