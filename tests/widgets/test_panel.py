"""What all panels share, without a browser."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from intempt_nb.errors import DataError
from intempt_nb.widgets.panel import MOST_VIEWS, Panel, assets
from panels import act

if TYPE_CHECKING:
    from collections.abc import Callable


class Counter(Panel):
    """Counts."""

    _esm, _css = assets("none")

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.gate = threading.Event()
        self._publish()

    def _view(self) -> dict[str, Any]:
        if self.count > 1_000:
            raise OverflowError("too many to draw")
        return {"count": self.count}

    def _do_add(self, by: int) -> None:
        self.count += by

    def _do_refuse(self) -> None:
        raise DataError("not so", row=2)

    def _do_break(self) -> None:
        raise ZeroDivisionError("a bug")

    def _do_read(self) -> None:
        def work() -> Callable[[], None]:
            self.gate.wait(10)
            return lambda: self._do_add(100)

        self._run("Reading", work)


def test_an_action_changes_the_state_and_is_acknowledged() -> None:
    panel = Counter()
    panel._receive(panel, {"action": "add", "view": "v", "seq": 1, "by": 2}, [])
    assert panel.state["count"] == 2
    assert panel.state["acks"] == {"v": 1}


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("refuse", "row 2: not so"),
        ("break", "ZeroDivisionError: a bug"),
        ("_view", "there is no action '_view'"),
        (None, "there is no action None"),
    ],
)
def test_what_goes_wrong_is_told_and_forgotten_with_the_next_action(action: str, text: str) -> None:
    panel = Counter()
    assert act(panel, action)["notice"] == {"kind": "error", "text": text}
    assert act(panel, "add", by=1)["notice"] is None


def test_wrong_arguments_are_told() -> None:
    assert "unexpected keyword argument 'to'" in act(Counter(), "add", to=1)["notice"]["text"]


def test_what_takes_long_leaves_the_panel_free_and_one_thing_is_done_at_a_time() -> None:
    panel = Counter()
    assert act(panel, "read", wait=None)["busy"] == "Reading"
    assert act(panel, "add", wait=None, by=1)["count"] == 1
    assert act(panel, "read", wait=None)["notice"]["text"] == "Reading: wait until this is done"
    with pytest.raises(TimeoutError, match="Reading: not done after"):
        panel.wait(0.01)
    panel.gate.set()
    panel.wait(10)
    assert panel.state["count"] == 101
    assert panel.state["busy"] is None


def test_an_error_in_the_background_stays_until_the_next_action() -> None:
    panel = Counter()
    panel._run("Reading", lambda: panel._do_refuse() or (lambda: None))  # type: ignore[func-returns-value]  # it raises
    panel.wait(10)
    assert panel.state["notice"] == {"kind": "error", "text": "row 2: not so"}
    assert panel.state["busy"] is None


def test_waiting_is_for_what_follows_too() -> None:
    panel = Counter()

    def first() -> Callable[[], None]:
        return lambda: panel._run("Reading on", lambda: lambda: panel._do_add(5))

    panel._run("Reading", first)
    panel.wait(10)
    assert panel.state["count"] == 5


def test_a_panel_that_cannot_be_drawn_says_so_and_goes_on() -> None:
    panel = Counter()
    state = act(panel, "add", by=1_001)
    assert state["count"] == 0
    assert "OverflowError: too many to draw" in state["notice"]["text"]
    assert act(panel, "add", by=-1_000)["count"] == 1


@pytest.mark.parametrize("by", ["\ud800", float("nan"), [float("inf")]])
def test_what_could_not_be_sent_back_is_refused(by: Any) -> None:
    panel = Counter()
    assert "Nothing was changed" in act(panel, "add", by=by)["notice"]["text"]
    assert panel.count == 0


@pytest.mark.parametrize("seq", ["x", None, 1.5])
def test_a_message_without_a_number_is_refused(seq: Any) -> None:
    panel = Counter()
    panel._receive(panel, {"action": "add", "view": "v", "seq": seq, "by": 1}, [])
    assert "no number of an action" in panel.state["notice"]["text"]
    assert panel.count == 0


def test_actions_are_carried_out_in_order_and_once_whatever_is_lost_or_comes_again() -> None:
    panel = Counter()
    view = "v" * 10_000
    for seq in (2, 1, 1, 3, 2, 2, 1, 3):
        panel._receive(panel, {"action": "add", "view": view, "seq": seq, "by": 10**seq}, [])
        assert panel.count in (0, 10, 110, 1110)
    assert panel.count == 1110
    [(short, last)] = panel.state["acks"].items()
    assert (len(short) < 100, last) == (True, 3)


def test_views_that_were_closed_are_forgotten_in_the_end() -> None:
    panel = Counter()
    for view in range(MOST_VIEWS + 10):
        panel._receive(panel, {"action": "add", "view": view, "seq": 1, "by": 1}, [])
    assert len(panel.state["acks"]) == MOST_VIEWS
    assert str(MOST_VIEWS + 9) in panel.state["acks"]
    panel._receive(panel, {"action": "add", "view": 0, "seq": 2, "by": 1}, [])
    assert panel.count == MOST_VIEWS + 11


def test_a_panel_is_short_as_text() -> None:
    assert repr(Counter()) == "<Counter: shows itself in a notebook>"
