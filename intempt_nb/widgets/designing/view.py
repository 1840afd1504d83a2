"""What the designer shows, as JSON; the browser draws exactly this.

::

    head      name, title, kind, kinds: [[kind, explanation], …], source: id | null,
              sources: [[id, label], …] | null (null: the source is fixed; source is then its name),
              record: the record's name, namespace, doc ("" where there is none)
    types     the words of a type cell: "string", …, "custom"
    logicals  {type: [logical type, …]}; a row may have another one, which is shown as it is
    rows      one a field, children behind their parent. WHAT IS NULL IS LEFT OUT OF A ROW, and so are nullable, nested,
              first and last where they are false.
              path      JSON pointer: "/fields/0", of items and values that of their type: "/fields/0/type/items"
              level     1, 2, …
              role      "field" | "items" | "values" (these two have no name, default, display, title, doc)
              name, type, nullable, logical, default (text), display (true | false), title, doc
              symbols ("A, B"), precision, scale, size (numbers; text where they are none), custom (JSON text): only
              where the type has them
              nested    whether it has fields, `into` then being where "add" puts one: "/fields/0/type/fields"
              evidence  why inference chose the type
              first, last  among its siblings
              cut       the keys whose text is too long to be edited here: it is shown shortened, and not editable
    structure  another number whenever rows may have moved; what is asked of rows has the number it was drawn with
    problems  [{path, key, level: "error" | "warning" | "advice", message}]; path is a row's, "head" for a cell of the
              head (key: name, title, kind, source, record, namespace, doc), "" for what belongs nowhere.
              The control of a cell has data-k `${path}:${key}`, so `head:name` and `/fields/0:type`.
    more      how many problems there are beside those
    counts    {errors, warnings}
    undo, redo  whether there is something to undo, to redo
    tab       "fields" | "avro" | "arrow" | "pandas" | "sample" | "compare" | "code"
    pane      null for the fields, else
              avro                   {text, problems: [{line | null, column | null, message}]}
              arrow, pandas, sample  {columns, rows, note}
              compare                {with: id | null, choices: [[id, label], …], columns, rows, note,
                                      verdict: [{text, level: "success" | "warning" | "error"}]}
              code                   {text}
    data      {origin: text | null, rows: n | null, note: text | null, frames: [name, …],
               receiving: {name, size, received} | null}
    create    {label, enabled, why: what is missing, "" if nothing is,
               losses: [text, …], what an update would take from the collection,
               question: text | null, to be confirmed before the update,
               stale: whether others changed the collection since the designer read it; "refresh" reads it again}
    created   null | {name, id, kind, fields: n, verb: "created" | "updated"}; null once the draft is another

The focus is put on ``${path}:name`` of a field that was added, copied or moved (of a moved one that has the focus
elsewhere, the browser asks with ``key``), on ``add`` (the button that adds a field at the end) where none is left;
after ``undo`` and ``redo``, of which ``key`` tells what had the focus, on a control that is there.

Actions: ``head(key, value)``, ``set(path, key, value)``, ``add(into, at | null)``, ``duplicate(path)``,
``delete(path)``, ``move(path, by, key?)``, ``paste(text, into)``, ``undo(key)``, ``redo(key)``, ``tab(tab)``,
``text(text)``, ``compare(collection)``, ``infer_path(path)``, ``infer_frame(name)``, ``refresh``,
``file_begin(name, size)``, ``file_piece(offset)`` with a buffer, ``file_cancel``, ``create(confirmed)`` with the
question that was answered, or null. ``into`` of the whole record is ``/fields``. Values are text, but true | false for
nullable, true | false | null for display. ``set`` to ``paste``, ``undo`` and ``redo``
take a ``structure`` too, and do nothing where that is an older one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.widgets.designing.draft import KINDS
from intempt_nb.widgets.designing.panes import arrow_pane, avro_pane, compare_pane, pandas_pane, sample_pane
from intempt_nb.widgets.designing.rows import cells
from intempt_nb.widgets.designing.shapes import LOGICALS, TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.widgets.designing.model import Made, Model
    from intempt_nb.widgets.designing.problems import Flaw
    from intempt_nb.widgets.designing.rows import Row

__all__ = ["missing_for_create", "stale_text", "view"]

MOST_FLAWS = 300
"""Problems that are shown, each at its cell; so many are put right a few at a time."""

_EXPLAINED = {
    "profile": "Facts about a user. A source has one such collection at most.",
    "event": "Something that happened, at a time, to a user.",
    "attribute": "Anything else: products, flights, prices.",
}
_TYPES = list(TYPES)
_LOGICALS = {kind: list(names) for kind, names in LOGICALS.items()}


def view(model: Model, frames: Sequence[str], receiving: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what is shown.

    Parameters
    ----------
    model
        What the designer knows.
    frames
        Names of the notebook's DataFrames.
    receiving
        A file on its way from the browser.
    """
    flaws = model.flaws
    levels = Counter(each.level for each in flaws)
    why = missing_for_create(model, flaws)
    return {
        "head": _head(model),
        "types": _TYPES,
        "logicals": _LOGICALS,
        "rows": _rows(model),
        "structure": model.structure,
        "problems": [each.to_json() for each in flaws[:MOST_FLAWS]],
        "more": max(len(flaws) - MOST_FLAWS, 0),
        "counts": {"errors": levels["error"], "warnings": levels["warning"]},
        "undo": bool(model.history.past),
        "redo": bool(model.history.future),
        "tab": model.tab,
        "pane": _pane(model),
        "data": _data(model, frames, receiving),
        "create": _create(model, why),
        "created": None if model.made_now is None else _created(model.made_now),
    }


def _head(model: Model) -> dict[str, Any]:
    draft, known = model.draft, model.known
    source = known.source(draft.source_id)
    found = {"record": draft.document.get("name"), "namespace": draft.document.get("namespace")}
    return {
        "name": draft.name,
        "title": draft.title,
        "kind": draft.kind,
        "kinds": [[kind, _EXPLAINED[kind]] for kind in KINDS],
        "source": (None if source is None else source.name) if known.is_fixed else draft.source_id,
        "sources": None if known.is_fixed else [[each.id, each.name] for each in known.sources],
        **{key: value if isinstance(value, str) else "" for key, value in found.items()},
        "doc": draft.document["doc"] if isinstance(draft.document.get("doc"), str) else "",
    }


def _rows(model: Model) -> list[dict[str, Any]]:
    evidence = {} if model.sample is None else model.sample.evidence
    return [_row(row, evidence) for row in model.draft.rows]


def _row(row: Row, evidence: Mapping[str, str]) -> dict[str, Any]:
    shown = {"path": row.path, "level": row.level, "role": row.role, **cells(row)}
    into = row.into
    if into is not None:
        shown |= {"nested": True, "into": into}
    if row.named in evidence:
        shown["evidence"] = evidence[row.named]
    if row.first:
        shown["first"] = True
    if row.last:
        shown["last"] = True
    return shown


def _pane(model: Model) -> dict[str, Any] | None:
    match model.tab:
        case "fields":
            return None
        case "avro":
            return avro_pane(model.draft)
        case "arrow":
            return arrow_pane(model.draft)
        case "pandas":
            return pandas_pane(model.draft)
        case "sample":
            return sample_pane(model.draft, model.sample)
        case "compare":
            other = None if model.other is None else model.known.record(model.other)
            return compare_pane(model.draft, model.comparable, other)
        case "code":
            return {"text": model.code}


def _data(model: Model, frames: Sequence[str], receiving: Mapping[str, Any] | None) -> dict[str, Any]:
    sample = model.sample
    return {
        "origin": None if sample is None else shorten(sample.origin, 200),
        "rows": None if sample is None else sample.rows,
        "note": None if sample is None or not sample.note else shorten(sample.note, 500),
        "frames": list(frames),
        "receiving": None if receiving is None else dict(receiving),
    }


def _create(model: Model, why: str) -> dict[str, Any]:
    return {
        "label": "Create collection" if model.target is None else "Update collection",
        "enabled": not why,
        "why": why,
        "losses": model.losses.told,
        "question": model.question,
        "stale": model.unseen is not None,
    }


def _created(made: Made) -> dict[str, Any]:
    record = made.record
    count = len(record.schema_json.get("fields", ()))
    return {"name": record.name, "id": record.id, "kind": record.kind, "fields": count, "verb": made.verb}


def missing_for_create(model: Model, flaws: Sequence[Flaw]) -> str:
    """Return what keeps the collection from being created, and what to do; empty if nothing does."""
    errors = [each for each in flaws if each.level == "error" and each not in model.refused]
    if len(errors) == 1:
        message = errors[0].message
        return f"{message[:1].upper()}{message[1:]}." if len(message) <= 100 else "1 error to put right first."
    if errors:
        return f"{len(errors)} errors to put right first."
    if model.unseen is not None:
        return stale_text(model.unseen.name)
    return "" if model.draft.document["fields"] else "Add a field first."


def stale_text(name: str) -> str:
    """Return what is said where others have changed the collection."""
    return f"{shorten(name, 60)} was changed since this designer read it; compare, or press Refresh."
