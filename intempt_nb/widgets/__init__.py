"""Widgets that define, upload and explore by clicking; whatever is clicked can be had as Python."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intempt_nb.widgets.designing.widget import CollectionDesigner
    from intempt_nb.widgets.exploring.widget import Explorer
    from intempt_nb.widgets.identifying.widget import IdentifierDesigner
    from intempt_nb.widgets.uploading.widget import UploadPanel

__all__ = ["CollectionDesigner", "Explorer", "IdentifierDesigner", "UploadPanel"]

_HOMES = {
    "CollectionDesigner": "intempt_nb.widgets.designing.widget",
    "Explorer": "intempt_nb.widgets.exploring.widget",
    "IdentifierDesigner": "intempt_nb.widgets.identifying.widget",
    "UploadPanel": "intempt_nb.widgets.uploading.widget",
}


def __getattr__(name: str) -> object:
    """Load a widget when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
