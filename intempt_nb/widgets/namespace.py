"""The notebook's own variables: which of them are DataFrames, and how to put one there."""

from __future__ import annotations

import builtins
import inspect
import json
import sys
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import pandas as pd

from intempt_nb.api.origin import DEFAULT_BASE_URL
from intempt_nb.client import Client
from intempt_nb.display import shorten
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from intempt_nb.api.transport import Transport

__all__ = ["client_code", "frame_of", "frames", "name_problem", "put", "variables"]


def variables() -> MutableMapping[str, Any]:
    """Return the variables of the notebook, or of the program where there is none."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return vars(sys.modules["__main__"]) if shell is None else shell.user_ns


def frames() -> list[str]:
    """Return the names of the DataFrames, in order."""
    found = [name for name, value in list(variables().items()) if isinstance(value, pd.DataFrame)]
    return sorted(name for name in found if not name.startswith("_"))


def frame_of(name: str) -> pd.DataFrame:
    """Return the DataFrame of that name.

    Raises
    ------
    DataError
        If there is none any more.
    """
    found = variables().get(name)
    if isinstance(found, pd.DataFrame):
        return found
    raise DataError(f"the notebook has no DataFrame {name!r} any more; choose another one")


def name_problem(name: str) -> str | None:
    """Return why a DataFrame cannot get that name; None if it can. Only the place of another, or of None, is taken."""
    if iskeyword(name):
        return f"{name} is a word of Python; choose another name"
    if not name.isidentifier():
        return f"{shorten(name)!r} cannot be a variable's name; use letters, digits and _, and no digit first"
    if name in variables():
        there = variables()[name]
        if there is not None and not isinstance(there, pd.DataFrame):
            return f"{shorten(name)} is {_kind(there)} in this notebook; choose another name"
    elif hasattr(builtins, name):
        return f"{shorten(name)} is {_kind(getattr(builtins, name))} of Python; choose another name"
    return None


def _kind(value: object) -> str:
    """Return what a value is, in words: "a function", "a Client"."""
    if inspect.ismodule(value):
        return "a module"
    if inspect.isclass(value):
        return "a class"
    if inspect.isroutine(value):
        return "a function"
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def put(name: str, value: object) -> None:
    """Give a value a name in the notebook; it takes the place of a DataFrame, and of nothing else.

    Raises
    ------
    DataError
        If it cannot have that name.
    """
    problem = name_problem(name)
    if problem is not None:
        raise DataError(problem)
    variables()[name] = value


def client_code(connection: Client | Transport) -> tuple[str, str]:
    """Return what a client is called in code, and the lines that make it; never a key, which a client finds by itself.

    Parameters
    ----------
    connection
        The client, or what a handle has of it.

    Returns
    -------
    tuple of str
        The notebook's own variable and no lines where there is one; else ``client`` and the lines that make it.
    """
    transport = connection._transport if isinstance(connection, Client) else connection
    for name, value in list(variables().items()):
        if isinstance(value, Client) and value._transport is transport and not name.startswith("_"):
            return name, ""
    address = "" if transport.base_url == DEFAULT_BASE_URL else f", base_url={json.dumps(transport.base_url)}"
    return "client", f"import intempt_nb as inb\n\nclient = inb.Client(org={json.dumps(transport.org)}{address})\n"
