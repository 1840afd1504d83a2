"""Schemas as they come in, from anyone: what cannot be a schema's text or its JSON is a `SchemaError`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.errors import Problem, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_DEPTH", "as_text", "pointer", "refuse_depth", "too_deep"]

MAX_DEPTH = 100  # deeper schemas are refused before Python's own recursion limit is near


def as_text(source: Any) -> str:
    """Return a schema as text: text as it is, bytes decoded as JSON may be encoded, anything else as JSON.

    Raises
    ------
    SchemaError
        If the bytes are not text, or the value has no JSON form.
    """
    try:
        if isinstance(source, bytes):
            return source.decode(json.detect_encoding(source))
        text = source if isinstance(source, str) else json.dumps(source, ensure_ascii=False, default=_plain)
        text.encode()  # half a surrogate pair cannot be sent to anyone
    except RecursionError:
        raise too_deep() from None
    except UnicodeEncodeError as error:
        raise SchemaError([Problem("", f"not Unicode text: {error.reason}")]) from None
    except (TypeError, ValueError) as error:
        raise SchemaError([Problem("", f"not JSON: {shorten(error)}")]) from None
    return text


def _plain(value: Any) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    kind = type(value)
    hints = {"InferredSchema": "; pass its .schema", "pyarrow.lib.Schema": "; use Schema.from_arrow"}
    hint = hints.get(f"{kind.__module__}.{kind.__name__}", hints.get(kind.__name__, ""))
    raise TypeError(f"{kind.__name__} has no JSON form{hint}")


def refuse_depth(value: Any) -> None:
    """Raise if decoded JSON is nested so deeply that working on it could exhaust Python's stack.

    Raises
    ------
    SchemaError
        With the first place that is too deep.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [each for parent in level for _, each in _children(parent)]
        if not level:
            return
    raise too_deep(_first_too_deep(value))


def _first_too_deep(value: Any) -> str:
    """Return the place of what is too deep; places are only put in words once there is one to tell."""
    level = [("", value)]
    for _ in range(MAX_DEPTH):
        level = [(pointer(path, key), each) for path, parent in level for key, each in _children(parent)]
    return level[0][0]


def pointer(path: str, key: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of a member of what stands at `path`."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def too_deep(path: str = "") -> SchemaError:
    """Return the error of a schema that is nested too deeply."""
    return SchemaError([Problem(path, f"nested more than {MAX_DEPTH} levels deep")])


def _children(value: Any) -> Iterable[tuple[str | int, Any]]:
    match value:
        case dict():
            return value.items()
        case list():
            return enumerate(value)
        case _:
            return ()
