"""The notebook's own variables: which of them are DataFrames, and how to put one there."""

from __future__ import annotations

import sys
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import pandas as pd

from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["frame_of", "frames", "put", "variables"]


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


def put(name: str, value: object) -> None:
    """Give a value a name in the notebook.

    Raises
    ------
    DataError
        If that cannot be the name of a variable.
    """
    if not name.isidentifier() or iskeyword(name):
        raise DataError(f"{name!r} cannot be a variable's name; use letters, digits and _, and no digit first")
    variables()[name] = value
