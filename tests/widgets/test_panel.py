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
    panel._receive(panel, {"action": "add", "view": "v", "seq": 7, "by": 2}, [])
    assert panel.state["count"] == 2
    assert panel.state["acks"] == {"v": 7}


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


def test_views_that_were_closed_are_forgotten_in_the_end() -> None:
    panel = Counter()
    for view in range(MOST_VIEWS + 10):
        panel._receive(panel, {"action": "add", "view": view, "seq": 1, "by": 1}, [])
    assert len(panel.state["acks"]) == MOST_VIEWS
    assert str(MOST_VIEWS + 9) in panel.state["acks"]


def test_a_panel_is_short_as_text() -> None:
    assert repr(Counter()) == "<Counter>"
