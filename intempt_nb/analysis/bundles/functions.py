"""A function as the text of a module that needs nothing of the notebook it was written in."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import symtable
import sys
import textwrap
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from intempt_nb.analysis.bundles.predict import function_in
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["StoredFunction", "modules_of", "source_of"]


@dataclass(frozen=True, slots=True)
class StoredFunction:
    """A preprocess function that was read from a file: its code runs when it is called, not before.

    Parameters
    ----------
    source
        The text of preprocess.py.
    """

    source: str

    def __call__(self, frame: pd.DataFrame) -> Any:
        """Run the code, and its function on a frame."""
        return function_in(self.source)(frame)


def source_of(function: Any) -> str:
    """Return the text of preprocess.py: the imports that the function needs, and the function, named ``preprocess``.

    Modules, and what was imported from installed packages, are imported again; what else is outside of the function
    would be missing in another process.

    Raises
    ------
    DataError
        If it is no plain function, its text is not to be had, or it uses names that are defined outside of it.
    """
    if isinstance(function, StoredFunction):
        return function.source
    if not isinstance(function, FunctionType) or function.__name__ == "<lambda>":
        what = "a lambda" if isinstance(function, FunctionType) else f"a {type(function).__name__}"
        raise DataError(f"preprocess is {what}; expected a function made with def: its text is written to a file")
    try:
        text = textwrap.dedent(inspect.getsource(function))
        definition = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise DataError(
            f"the text of {function.__name__} cannot be had ({error}); define it in a cell of the notebook or in a file"
        ) from None
    if not isinstance(definition, ast.FunctionDef):
        raise DataError(f"preprocess is {type(definition).__name__}; expected a plain function made with def")
    imports: list[str] = []
    missing: list[str] = []
    try:
        outer = sorted(set(_outer_names(text)) - {definition.name})
    except SyntaxError as error:  # nonlocal, which only a function around it makes sense of
        raise DataError(
            f"{definition.name} cannot be written to a file by itself ({error.msg}): it needs the function that it is "
            "defined in. Define what it needs within it",
            field="preprocess",
        ) from None
    for name in outer:
        if hasattr(builtins, name) and name not in function.__globals__:
            continue
        line = None if name in function.__code__.co_freevars else _import_of(name, function.__globals__)
        (missing if line is None else imports).append(line or name)
        imports += sorted(set(_submodules(name, function.__globals__.get(name), definition)))
    if missing:
        raise DataError(
            f"{definition.name} uses {', '.join(missing)}, defined outside of it, which another process does not have. "
            "Define or import them within the function",
            field="preprocess",
            value=", ".join(missing),
        )
    renamed = [] if definition.name == "preprocess" else [f"\npreprocess = {definition.name}\n"]
    return "\n".join([*imports, "\n" if imports else "", text]) + "\n".join(renamed)


def modules_of(source: str) -> set[str]:
    """Return the top-level modules that a text imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _outer_names(text: str) -> Iterator[str]:
    """Yield the names that the text uses and does not define, in functions within the function too."""
    tables = [symtable.symtable(text, "preprocess.py", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            outer = symbol.is_global() or (table.get_type() == "module" and not symbol.is_assigned())
            if outer:
                yield symbol.get_name()


def _submodules(name: str, module: Any, tree: ast.AST) -> Iterator[str]:
    """Yield the lines that import the modules within a module that a text takes for imported, as ``xml.etree``."""
    for node in ast.walk(tree):
        path, at = [], node
        while isinstance(at, ast.Attribute):
            path.append(at.attr)
            at = at.value
        inner = f"{getattr(module, '__name__', '')}.{'.'.join(reversed(path))}"
        if path and isinstance(at, ast.Name) and at.id == name and isinstance(sys.modules.get(inner), ModuleType):
            yield f"import {inner}"


def _import_of(name: str, names: dict[str, Any]) -> str | None:
    """Return the line that imports a thing again; None if it comes from no package."""
    thing = names.get(name)
    if isinstance(thing, ModuleType):
        parent, _, last = thing.__name__.rpartition(".")
        if not _is_installed(thing.__name__):
            return None
        if parent:
            return f"from {parent} import {last} as {name}" if last != name else f"from {parent} import {name}"
        return f"import {thing.__name__}" + ("" if thing.__name__ == name else f" as {name}")
    home, label = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(home, str) or not isinstance(label, str) or not _is_installed(home):
        return None
    if getattr(sys.modules.get(home), label, None) is not thing:
        return None
    return f"from {home} import {label}" + ("" if label == name else f" as {name}")


def _is_installed(module: str) -> bool:
    """Return whether a module is Python's or of an installed package, not a file beside the notebook."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return top != "__main__"
    file = getattr(importlib.import_module(top), "__file__", None) if top != "__main__" else None
    return file is not None and any(
        part in ("site-packages", "dist-packages") for part in file.replace("\\", "/").split("/")
    )
