"""The packages that a model needs, pinned to the versions that are installed."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from typing import TYPE_CHECKING

from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["pins"]

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_LINE = re.compile(rf"({_NAME.pattern})(\[[\w ,.-]*\])?\s*([<>=!~][^@;]*)?(;.*)?")


def pins(modules: Iterable[str], given: Sequence[str] | None) -> list[str]:
    """Return the lines of requirements.txt: the installed versions of the packages that hold some modules.

    Parameters
    ----------
    modules
        Top-level modules; those of Python itself need no package.
    given
        Lines of the user, which replace those of the same package.

    Raises
    ------
    DataError
        If a module is of no installed package, or a line is no name with a version.
    """
    lines = {}
    for line in given or ():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise DataError(
                f"requirement {line!r} is no name with a version; expected lines such as 'scikit-learn==1.6.1', "
                "without options and addresses",
                field="requirements",
                value=line,
            )
        lines[_canonical(match[1])] = line.strip()
    homes = importlib.metadata.packages_distributions()
    for module in sorted(set(modules) - sys.stdlib_module_names):
        packages = homes.get(module, [])
        if not packages and _canonical(module) not in lines:
            raise DataError(
                f"module {module!r} is of no installed package, so that nobody else could install it. Name the package "
                f"that has it: requirements=['{module}==1.0']",
                field="requirements",
            )
        for package in packages[:1]:
            lines.setdefault(_canonical(package), f"{package}=={importlib.metadata.version(package)}")
    return [lines[name] for name in sorted(lines)]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
