"""Libraries that are needed for some things only, and installed by an extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from intempt_nb.errors import ConfigurationError

__all__ = ["require"]


def require(module: str, extra: str) -> Any:
    """Import a module that an extra installs.

    Raises
    ------
    ConfigurationError
        If it is not installed; with the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise  # something that the module itself misses
        raise ConfigurationError(f"{top} is needed for this: pip install 'intempt-nb[{extra}]'") from None
