"""Fitted estimators as files: of skops, which makes only trusted types, or of pickle where nothing else does."""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.analysis.bundles.predict import TRUSTED, load_object
from intempt_nb.errors import DataError
from intempt_nb.extras import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["PickleWarning", "StoredObject", "read_object", "store"]


class PickleWarning(UserWarning):
    """A part of a model can be stored by pickle only: reading that file runs whatever code is in it."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An estimator as a file.

    Parameters
    ----------
    name
        Of the file; it ends with ``.skops`` or ``.pkl``.
    content
        Its bytes.
    types
        Of a ``.skops`` file, the types that a reader has to trust, beyond those known to be harmless.
    modules
        Top-level modules whose types are in it.
    """

    name: str
    content: bytes
    types: tuple[str, ...]
    modules: frozenset[str]


def store(label: str, thing: Any) -> StoredObject:
    """Return an estimator as a file, read back once to see that it can be.

    Warns
    -----
    PickleWarning
        If skops cannot hold it.

    Raises
    ------
    DataError
        If pickle cannot either, or it needs a class of this very notebook or script.
    """
    io_ = require("skops.io", "analysis")
    try:
        content = io_.dumps(thing)
        types = [each for each in io_.get_untrusted_types(data=content) if each not in TRUSTED]
        io_.loads(content, trusted=[*TRUSTED, *types])
    except Exception as error:  # noqa: BLE001 - third-party classes fail in their own ways, and pickle is tried then
        return _pickled(label, thing, f"{type(error).__name__}: {error}")
    modules = frozenset(_modules_in(json.loads(zipfile.ZipFile(io.BytesIO(content)).read("schema.json"))))
    _refuse_main(label, modules)
    return StoredObject(f"{label}.skops", content, tuple(types), modules)


def _pickled(label: str, thing: Any, reason: str) -> StoredObject:
    try:
        content = pickle.dumps(thing)
        reader = _Noting(io.BytesIO(content))
        reader.load()
    except Exception as error:
        raise DataError(
            f"the {label} ({type(thing).__name__}) can be stored neither by skops ({reason}) nor by pickle ({error})",
            field=label,
        ) from error
    _refuse_main(label, reader.modules)
    warnings.warn(
        f"{label}.pkl is a pickle, as skops cannot hold {type(thing).__name__} ({reason}). Whoever reads a pickle runs "
        "whatever code is in it: hand it only to those who have reason to trust you, and read only your own",
        PickleWarning,
        stacklevel=4,
    )
    return StoredObject(f"{label}.pkl", content, (), frozenset(reader.modules))


class _Noting(pickle.Unpickler):
    """Reads back a pickle that was made a moment ago, and notes the modules that it needs."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module.partition(".")[0])
        return super().find_class(module, name)


def _modules_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("__module__"), str):
            yield node["__module__"].partition(".")[0]
        for each in node.values():
            yield from _modules_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from _modules_in(each)


def _refuse_main(label: str, modules: set[str] | frozenset[str]) -> None:
    if "__main__" in modules:
        raise DataError(
            f"the {label} needs a class or function that is defined in this notebook or script, which another process "
            "does not have; move it to a package that can be installed, or do that step in preprocess",
            field=label,
        )


def read_object(name: str, content: bytes, types: Sequence[str], trusted: Sequence[str], allow_pickle: bool) -> Any:
    """Return the object in a file, making no type that is neither known to be harmless nor trusted.

    Raises
    ------
    DataError
        If the file is a pickle and that was not allowed, it holds types that nobody trusted (they are named), or no
        object can be made of it.
    """
    if name.endswith(".pkl"):
        if not allow_pickle:
            raise DataError(
                f"{name} is a pickle, and reading it runs whatever code is in it. If you know who wrote it: "
                "ModelBundle.read(..., allow_pickle=True)",
                field=name,
            )
        return load_object(name, content, ())
    io_ = require("skops.io", "analysis")
    try:
        found = io_.get_untrusted_types(data=content)
    except Exception as error:
        raise _unreadable(name, error) from error
    unknown = [each for each in found if each not in {*TRUSTED, *trusted}]
    if unknown:
        stated = "" if set(unknown) <= set(types) else " (the manifest does not name them all)"
        raise DataError(
            f"{name} holds types that are not known to be harmless{stated}: {', '.join(unknown)}. If you trust them: "
            f"ModelBundle.read(..., trusted={unknown})",
            field=name,
        )
    try:
        return load_object(name, content, trusted)
    except Exception as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> DataError:
    return DataError(f"no object can be made of {name} ({type(error).__name__}: {error})", field=name)
