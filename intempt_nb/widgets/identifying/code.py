"""The Python that does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intempt_nb.widgets.identifying.model import name_of
from intempt_nb.widgets.namespace import client_code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from intempt_nb.widgets.identifying.model import Draft, Known, Place, Relating

__all__ = ["create_text", "program", "relation_text"]

_WIDE = 100


def program(known: Known, done: Sequence[Callable[[str], str]], draft: Draft) -> str:
    """Return what was done, and what is being defined, as Python.

    Parameters
    ----------
    known, draft
        What is being defined.
    done
        What was done: functions that return a call, given the name of the client.
    """
    client, lines = client_code(known.own.handle._transport)
    steps = [*(each(client) for each in done), *([create_text(known, draft, client)] if draft.fields else [])]
    return lines + "\n".join([f"collection = {_handle(known.own, client)}", *steps]) + "\n"


def create_text(known: Known, draft: Draft, client: str) -> str:
    """Return the call that creates the identifier."""
    names = ", ".join(_quoted(each) for each in draft.fields)
    arguments = [_quoted(name_of(draft, known)), f"fields=[{names}]", f"type={_quoted(draft.type)}"]
    there = known.place_of(draft.reference)
    before = ""
    if there is not None:
        own = there.handle.id == known.own.handle.id
        before = "" if own else f"referenced = {_handle(there, client)}\n"
        arguments.append(f"references={'collection' if own else 'referenced'}.primary")
    return before + _call("identifier = collection.create_identifier", arguments)


def relation_text(identifier: str, relating: Relating, _: str) -> str:
    """Return the call that creates a relation of an identifier with that name."""
    arguments = [_quoted(relating.name), _quoted(identifier), f"type={_quoted(relating.type)}"]
    return _call("collection.create_relation", arguments)


def _handle(place: Place, client: str) -> str:
    record = place.handle.record
    source = record.source_name or record.source_id
    return f"{client}.sources[{_quoted(source)}].collections[{_quoted(record.name)}]"


def _call(function: str, arguments: Sequence[str]) -> str:
    line = f"{function}({', '.join(arguments)})"
    return line if len(line) <= _WIDE else f"{function}(\n" + "".join(f"    {each},\n" for each in arguments) + ")"


def _quoted(text: str) -> str:
    """Return a literal, in double quotes where that takes no escapes; what cannot be seen is escaped."""
    literal = repr(text)
    return f'"{literal[1:-1]}"' if literal.startswith("'") and '"' not in text else literal
