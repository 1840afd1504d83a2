"""The packages that a model needs, pinned to the versions that are installed."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from typing import TYPE_CHECKING

from intempt_nb.analysis.bundles.predict import PIN
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["pins"]

_PIN = re.compile(PIN)


def pins(modules: Iterable[str], given: Sequence[str] | None) -> list[str]:
    """Return the lines of requirements.txt: the installed versions of the packages that hold some modules.

    Parameters
    ----------
    modules
        Top-level modules; those of Python itself need no package.
    given
        Lines of the user, ``name==version`` or ``name[extra]==version``, which replace those of the same package.

    Raises
    ------
    DataError
        If a module is of no installed package, or a line says more or less than one version.
    """
    lines = {}
    for line in given or ():
        match = _PIN.fullmatch(line)
        if match is None:
            raise DataError(
                f"requirement {line!r} is not of the form 'scikit-learn==1.6.1' or 'name[extra]==version': a model "
                "predicts the same by one version only, and options, conditions and addresses are left to whoever "
                "installs it",
                field="requirements",
                value=line,
            )
        lines[_canonical(match[1])] = line
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
