"""Problems and the cells they belong to. What is wrong with a schema, the schema core says; here it is only placed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from intempt_nb.widgets.designing.defaults import why_unread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from intempt_nb.errors import ApiError, Problem
    from intempt_nb.widgets.designing.draft import Draft
    from intempt_nb.widgets.designing.rows import Row

__all__ = ["HEAD", "Flaw", "flaws_of", "placed", "refusals_of"]

HEAD = "head"

_LONGEST = 300

Level = Literal["error", "warning", "advice"]

_HEAD_CELLS = {"/name": "record", "/namespace": "namespace", "/doc": "doc"}
_FIELD_CELLS = ("name", "title", "doc", "display", "default")
_EVENT_FIELDS = ("eventId", "timestamp")
_API_CELLS = {
    "name": "name", "title": "title", "profile": "kind", "event": "kind", "sourceId": "source", "schema": "record",
}  # fmt: skip
_NAMED_IN_ANSWER = re.compile(r"^'(\w+)'")
_CELL_OF_ANSWER = (
    (re.compile(r"has a profile collection already"), "kind"),
    (re.compile(r"has a collection .+ already"), "name"),
)
_FIELD_IN_ANSWER = re.compile(r"^field '(\w+)' is ")
_POINTER_IN_ANSWER = re.compile(r"(?<!\S)(/fields/[^\s:]*): (.+)")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something to tell about a cell.

    Parameters
    ----------
    path
        Of the row; `HEAD` for the head, empty for what belongs nowhere.
    key
        Of the cell.
    level
        ``"error"`` keeps the collection from being created, ``"warning"`` does not, ``"advice"`` may be ignored.
    message
        What and why, and what to do.
    """

    path: str
    key: str
    level: Level
    message: str

    def to_json(self) -> dict[str, str]:
        """Return it as the browser gets it."""
        return {"path": self.path, "key": self.key, "level": self.level, "message": _brief(self.message)}


def _brief(message: str) -> str:
    """Return a message with its ends, which say what is wrong and what to do; a name in it can be of any length."""
    if len(message) <= _LONGEST:
        return message
    return f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"


def flaws_of(draft: Draft, about_name: Flaw | None) -> list[Flaw]:
    """Return all that is to be told about a draft.

    Parameters
    ----------
    draft
        The collection.
    about_name
        What there is to say of its name, in view of the other collections.
    """
    found = [*_about_head(draft), *([about_name] if about_name else [])]
    found += placed(draft.checked.errors, "error", draft.rows)
    found += placed(draft.checked.warnings, "warning", draft.rows)
    if not draft.name and not draft.document.get("name"):  # the record is then called as the collection
        found = [each for each in found if (each.path, each.key) != (HEAD, "record")]
    return [*found, *_advice(draft)]


def _about_head(draft: Draft) -> Iterator[Flaw]:
    if not draft.name:
        yield Flaw(HEAD, "name", "error", "the collection has no name yet")
    if draft.source_id is None:
        yield Flaw(HEAD, "source", "error", "choose the source that the collection belongs to")
    if draft.typed is not None:
        yield Flaw("", "", "error", "the text on the Avro tab is no schema; the table shows the last one that was")


def _advice(draft: Draft) -> Iterator[Flaw]:
    fields = draft.document["fields"]
    names = {each.get("name") for each in fields if isinstance(each, dict)}
    missing = [name for name in _EVENT_FIELDS if name not in names]
    if draft.kind == "event" and fields and missing:
        yield Flaw(HEAD, "kind", "advice", f"Events usually have {' and '.join(missing)}. This is optional.")
    for row in draft.rows:
        if row.shape.kind == "enum" and row.shape.parts.get("symbols") == []:
            yield Flaw(row.path, "symbols", "warning", "give it at least one symbol; no value fits now")


def placed(problems: Iterable[Problem], level: Level, rows: Iterable[Row]) -> Iterator[Flaw]:
    """Yield what the schema core says, each at the cell of the deepest row that its pointer leads through."""
    by_path = {row.path: row for row in rows}
    for problem in problems:
        path = problem.path
        while path and path not in by_path:
            path = path.rpartition("/")[0]
        if path:
            row = by_path[path]
            cell = _cell(row, problem.path)
            unread = why_unread(row.field.get("default"), row.shape) if cell == "default" else None
            yield Flaw(path, cell, level, unread or problem.message)
        elif problem.path in _HEAD_CELLS:
            yield Flaw(HEAD, _HEAD_CELLS[problem.path], level, problem.message)
        else:
            yield Flaw("", "", level, str(problem) if problem.path else problem.message)


def _cell(row: Row, path: str) -> str:
    if row.role == "field" and not row.field:  # no object
        return "custom"
    if row.role == "field" and not path.startswith(row.place):
        if path == row.path:
            return "type" if isinstance(row.field.get("name"), str) else "name"
        step = path.removeprefix(row.path).split("/")[1]
        return {"logicalType": "logical"}.get(step, step if step in _FIELD_CELLS else "name")
    return _cell_of_type(row, path)


def _cell_of_type(row: Row, path: str) -> str:
    kind, parts = row.shape.kind, row.shape.parts
    step = path.removeprefix(row.node).partition("/")[2].partition("/")[0]
    match kind, step:
        case "custom", _:
            return "custom"
        case "enum", "symbols":
            return "symbols"
        case _, "logicalType" if row.shape.logical == "decimal" and kind in ("bytes", "fixed"):
            return "precision"
        case _, "logicalType":
            return "logical"
        case "fixed", "" if not _is_size(parts.get("size")):
            return "size"
        case "enum", "" if not isinstance(parts.get("symbols"), list):
            return "symbols"
        case _:
            return "type"


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def refusals_of(error: ApiError, rows: Iterable[Row]) -> list[Flaw]:
    """Return what a server said of a collection at the cells it named; nothing if it named none."""
    by_path = {row.path: row for row in rows}
    found = []
    for path, message in _POINTER_IN_ANSWER.findall(error.message):
        row_path = path
        while row_path and row_path not in by_path:
            row_path = row_path.rpartition("/")[0]
        if row_path:
            found.append(Flaw(row_path, _cell(by_path[row_path], path), "error", message))
    if found:
        return found
    field = _FIELD_IN_ANSWER.match(error.message)
    at = [row.path for row in by_path.values() if field is not None and row.level == 1 and row.named == field[1]]
    if at:
        return [Flaw(at[0], "type", "error", error.message)]
    named = _NAMED_IN_ANSWER.match(error.message)
    cells = [_API_CELLS[named[1]]] if named is not None and named[1] in _API_CELLS else []
    cells += [cell for pattern, cell in _CELL_OF_ANSWER if pattern.search(error.message)]
    return [Flaw(HEAD, cell, "error", error.message) for cell in cells[:1]]
