"""Places in a JSON document, by JSON pointer (RFC 6901): looked up, and replaced in a copy that shares the rest."""

from __future__ import annotations

from typing import Any

from intempt_nb.errors import DataError

__all__ = ["found_at", "is_field", "parent_of", "replaced", "steps_of"]


def steps_of(path: str) -> list[str]:
    """Return the steps of a pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def parent_of(path: str) -> tuple[str, int]:
    """Return the list that a pointer's value is in, and its index."""
    parent, _, index = path.rpartition("/")
    if not index.isdecimal():
        raise _gone(path)
    return parent, int(index)


def is_field(path: str) -> bool:
    """Return whether a pointer is that of a record's field, rather than of a type."""
    *_, parent, last = ["", "", *steps_of(path)]
    return parent == "fields" and last.isdecimal()


def found_at(document: Any, path: str) -> Any:
    """Return what stands at a pointer.

    Raises
    ------
    DataError
        If nothing does.
    """
    value = document
    for step in steps_of(path):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise _gone(path)
    return value


def replaced(document: Any, path: str, value: Any) -> Any:
    """Return the document with another value at a pointer, where there may have been none in an object."""
    steps = steps_of(path)
    return _replaced(document, steps, value, path) if steps else value


def _replaced(parent: Any, steps: list[str], value: Any, path: str) -> Any:
    first, *rest = steps
    if isinstance(parent, dict) and (first in parent or not rest):
        return {**parent, first: _replaced(parent[first], rest, value, path) if rest else value}
    if isinstance(parent, list) and first.isdecimal() and int(first) < len(parent):
        index = int(first)
        inner = _replaced(parent[index], rest, value, path) if rest else value
        return [*parent[:index], inner, *parent[index + 1 :]]
    raise _gone(path)


def _gone(path: str) -> DataError:
    return DataError(f"there is nothing at {path} any more; the schema has changed meanwhile")
