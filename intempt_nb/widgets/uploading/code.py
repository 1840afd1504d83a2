"""The Python that does what was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.api.origin import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.api.resources import Collection

__all__ = ["client_code", "upload_code"]

_ONE_LINE = 100


def client_code(org: str, base_url: str, collection: Collection) -> str:
    """Return the lines that lead to a collection; the key is found as a client finds it."""
    address = "" if base_url == DEFAULT_BASE_URL else f", base_url={base_url!r}"
    source = f".sources[{collection.source_name!r}]" if collection.source_name else ""
    name = collection.name if source else collection.id
    return (
        f"import intempt_nb as inb\n\nclient = inb.Client(org={org!r}{address})\n"
        f"collection = client{source}.collections[{name!r}]\n"
    )


def upload_code(source: str, arguments: Mapping[str, Any]) -> str:
    """Return the call that uploads.

    Parameters
    ----------
    source
        As it stands in Python.
    arguments
        Keyword arguments.
    """
    told = [source, *(f"{name}={_spoken(value)}" for name, value in arguments.items())]
    call = f"report = collection.upload({', '.join(told)})\n"
    if len(call) <= _ONE_LINE:
        return call
    lines = "".join(f"    {each},\n" for each in told)
    return f"report = collection.upload(\n{lines})\n"


def _spoken(value: Any) -> str:
    if isinstance(value, tuple):
        return repr(list(value))
    if isinstance(value, dict) and len(repr(value)) > _ONE_LINE:
        return "{\n" + "".join(f"        {key!r}: {each!r},\n" for key, each in value.items()) + "    }"
    return repr(value)
