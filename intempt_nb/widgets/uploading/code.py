"""The Python that does what was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.widgets.designing.code import WIDTH, literal
from intempt_nb.widgets.namespace import client_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.api.resources import Collection
    from intempt_nb.api.transport import Transport

__all__ = ["collection_code", "resume_code", "upload_code"]


def collection_code(transport: Transport, collection: Collection) -> str:
    """Return the lines that lead to a collection; the key is found as a client finds it."""
    client, lines = client_code(transport)
    source = f".sources[{literal(collection.source_name)}]" if collection.source_name else ""
    name = collection.name if source else collection.id
    return f"{lines}collection = {client}{source}.collections[{literal(name)}]\n"


def resume_code(run: str) -> str:
    """Return the call that goes on with an upload, by its id."""
    return f"report = collection.resume_upload(inb.uploads().find({literal(run)}))\n"


def upload_code(source: str, arguments: Mapping[str, Any]) -> str:
    """Return the call that uploads.

    Parameters
    ----------
    source
        As it stands in Python.
    arguments
        Keyword arguments.
    """
    spoken = {name: list(value) if isinstance(value, tuple) else value for name, value in arguments.items()}
    call = f"report = collection.upload({', '.join([source, *_told(spoken, 0)])})\n"
    if len(call) <= WIDTH and "\n" not in call[:-1]:
        return call
    lines = "".join(f"    {each},\n" for each in (source, *_told(spoken, 1)))
    return f"report = collection.upload(\n{lines})\n"


def _told(arguments: Mapping[str, Any], level: int) -> list[str]:
    return [f"{name}={literal(value, level)}" for name, value in arguments.items()]
