"""Where the focus goes after a step: without it the panel hears no key, and the notebook takes the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intempt_nb.widgets.designing.places import is_field, parent_of

if TYPE_CHECKING:
    from intempt_nb.widgets.designing.draft import Draft, History

__all__ = ["after_delete", "after_step"]

_OF_EVERY_FIELD = ("name", "type", "nullable", "default", "display", "title", "doc", "up", "down", "copy", "delete")
_OF_EVERY_TYPE = ("type", "nullable")
_OTHER = {"undo": "redo", "redo": "undo"}


def after_delete(path: str, draft: Draft) -> str:
    """Return the control that is next to a field which is gone: its neighbour's name, that of the field around it."""
    there = {row.path for row in draft.rows}
    near = _above(path)
    if is_field(path):
        parent, index = parent_of(path)
        near = [*(f"{parent}/{at}" for at in range(index, -1, -1)), *near]
    return next((f"{each}:name" for each in near if each in there), "add")


def after_step(key: str, history: History) -> str | None:
    """Return the control that has the focus after an undo or redo; None to leave it where it is.

    Parameters
    ----------
    key
        What had it.
    history
        After the step.
    """
    if key in _OTHER:
        can = {"undo": history.past, "redo": history.future}
        return key if can[key] else _OTHER[key] if can[_OTHER[key]] else "add"
    path, _, cell = key.rpartition(":")
    new = {row.path: row for row in history.now.rows}
    if not path.startswith("/fields/"):
        return None
    if path not in new:
        return after_delete(path, history.now)
    if cell in (_OF_EVERY_FIELD if new[path].role == "field" else _OF_EVERY_TYPE):
        return key
    return f"{path}:{'name' if new[path].role == 'field' else 'type'}"


def _above(path: str) -> list[str]:
    """Return the paths of the fields that a field or type is in, the nearest first."""
    found = []
    while path:
        path = path.rpartition("/")[0]
        if is_field(path):
            found.append(path)
    return found
