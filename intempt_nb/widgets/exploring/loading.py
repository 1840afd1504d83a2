"""What is to be loaded: the form, what is wrong with it, and the Python that does the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from intempt_nb.widgets.designing.code import WIDTH, literal
from intempt_nb.widgets.namespace import client_code, name_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intempt_nb.client import Client
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.schema.mapping.pandas import DtypeBackend

__all__ = ["BACKENDS", "LoadForm", "changed", "fresh", "load_code", "problems", "toggled"]

DEFAULT_LIMIT = 100_000
LONGEST_NAME = 40
LONGEST_NUMBER = 20
BACKENDS: dict[str, DtypeBackend] = {"pyarrow": "pyarrow", "numpy_nullable": "numpy_nullable", "pandas": None}
"""What is chosen → what pandas is told."""


@dataclass(frozen=True, slots=True)
class LoadForm:
    """What is to be loaded.

    Parameters
    ----------
    columns
        The columns that were chosen, in the schema's order; None for all.
    limit
        How many rows, as it was typed.
    everything
        Whether all rows are loaded instead.
    backend
        A key of `BACKENDS`.
    variable
        The name that the DataFrame gets in the notebook.
    """

    columns: tuple[str, ...] | None = None
    limit: str = str(DEFAULT_LIMIT)
    everything: bool = False
    backend: str = "pyarrow"
    variable: str = "data"

    @property
    def rows(self) -> int | None:
        """How many rows at most; None for all."""
        return None if self.everything else int(_digits(self.limit))


def fresh(collection: CollectionHandle) -> LoadForm:
    """Return the form as it stands first: all columns, not all rows."""
    return LoadForm(variable=_variable(collection.name))


def _variable(name: str) -> str:
    """Return a name for the notebook that is like the collection's and takes nothing but a DataFrame's place."""
    plain = re.sub(r"\W+", "_", name).strip("_")[:LONGEST_NAME] or "data"
    usable = f"_{plain}" if plain[0].isdigit() else plain
    return usable if name_problem(usable) is None else f"{usable}_rows"


def changed(form: LoadForm, name: str, value: Any) -> LoadForm:
    """Return the form with one entry changed; one that there is not changes nothing."""
    match name:
        case "limit":
            return replace(form, limit=str(value).strip())
        case "variable":
            return replace(form, variable=str(value).strip())
        case "everything":
            return replace(form, everything=value is True)
        case "backend" if value in BACKENDS:
            return replace(form, backend=value)
        case _:
            return form


def toggled(form: LoadForm, names: Sequence[str], chosen: Sequence[str], *, on: bool) -> LoadForm:
    """Return the form with columns chosen or not.

    Parameters
    ----------
    form
        The form.
    names
        All columns, in order.
    chosen
        Which of them this is about.
    on
        Whether they are loaded.
    """
    now = set(names if form.columns is None else form.columns)
    now = now | set(chosen) if on else now - set(chosen)
    kept = tuple(name for name in names if name in now)
    return replace(form, columns=None if len(kept) == len(names) else kept)


def problems(form: LoadForm) -> dict[str, str]:
    """Return what is wrong with the form, by entry."""
    found = {}
    if form.columns == ():
        found["columns"] = "choose at least one column"
    if not form.everything and not _digits(form.limit):
        found["limit"] = f"{form.limit!r} is no number of rows; write 1000, or choose all rows"
    name = name_problem(form.variable)
    if name is not None:
        found["variable"] = name
    return found


def _digits(text: str) -> str:
    """Return the digits of a whole number as it is written, 100,000 and 100_000 too; empty if it is none."""
    if len(text) > LONGEST_NUMBER or not re.fullmatch(r"[0-9]+|[0-9]{1,3}([,_ ][0-9]{3})+", text):
        return ""
    return re.sub(r"[,_ ]", "", text)


def load_code(client: Client, collection: CollectionHandle, form: LoadForm) -> str:
    """Return the Python that loads the same; empty while the form has problems."""
    if problems(form):
        return ""
    arguments: dict[str, Any] = {}
    if form.columns is not None:
        arguments["columns"] = list(form.columns)
    if form.rows is not None:
        arguments["limit"] = form.rows
    if form.backend != "pyarrow":
        arguments["dtype_backend"] = BACKENDS[form.backend]
    name, lines = client_code(client)
    record = collection.record
    source = f".sources[{literal(record.source_name)}]" if record.source_name else ""
    key = record.name if source else record.id
    call = f"{form.variable} = {name}{source}.collections[{literal(key)}].load("
    line = f"{call}{', '.join(f'{argument}={literal(value)}' for argument, value in arguments.items())})\n"
    if len(line) > WIDTH:
        told = [f"    {argument}={literal(value, 1)},\n" for argument, value in arguments.items()]
        line = f"{call}\n{''.join(told)})\n"
    return lines + line
