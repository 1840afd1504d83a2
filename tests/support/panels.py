"""Driving a panel without a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intempt_nb.widgets.panel import Panel


def act(
    panel: Panel, action: str, *, buffers: list[bytes] | None = None, wait: float | None = 60, **arguments: Any
) -> Any:
    """Carry out an action as if a view had sent it, wait for what it starts in the background, return the state."""
    message = {"action": action, "view": "test", "seq": panel._acks.get("test", 0) + 1, **arguments}
    panel._receive(panel, message, [memoryview(each) for each in buffers or []])
    if wait is not None:
        panel.wait(wait)
    return panel.state
