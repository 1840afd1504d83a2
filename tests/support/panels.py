"""Driving a panel without a browser."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intempt_nb.widgets.panel import Panel

_SEQUENCE = count(1)


def act(
    panel: Panel, action: str, *, buffers: list[bytes] | None = None, wait: float | None = 60, **arguments: Any
) -> Any:
    """Carry out an action as if a view had sent it, wait for what it starts in the background, return the state."""
    message = {"action": action, "view": "test", "seq": next(_SEQUENCE), **arguments}
    panel._receive(panel, message, [memoryview(each) for each in buffers or []])
    if wait is not None:
        panel.wait(wait)
    return panel.state
