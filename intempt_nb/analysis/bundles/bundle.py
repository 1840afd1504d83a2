"""`ModelBundle`: a model as the set of files that the platform asks for."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from dataclasses import dataclass, replace
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from intempt_nb.analysis.bundles import predict as runner
from intempt_nb.analysis.bundles.checking import BundleCheck, run_clean
from intempt_nb.analysis.bundles.describing import WHAT, readme
from intempt_nb.analysis.bundles.folder import put
from intempt_nb.analysis.bundles.functions import StoredFunction, modules_of, source_of
from intempt_nb.analysis.bundles.objects import StoredObject, read_object, store
from intempt_nb.analysis.bundles.requirements import pins
from intempt_nb.display import html_table, text_table
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

__all__ = ["ModelBundle"]

_HEADER = ("file", "bytes", "what")


@dataclass(frozen=True, slots=True, repr=False, eq=False, kw_only=True)
class ModelBundle:
    """A fitted model with all that is needed to predict by it elsewhere.

    Rows go through `preprocess`; of what comes out, the columns `features` go through `transform` and then `model`.

    Parameters
    ----------
    features
        Names of the columns that the transform, or the model, was fitted with, in that order.
    model
        A fitted estimator.
    transform
        A fitted transformer of scikit-learn; None if there is none, or it is part of the model (a `Pipeline`).
    preprocess
        A function of a DataFrame that returns one; None for none. Its text is stored, so it is made with `def` and uses
        nothing from outside but modules and what is imported from installed packages.
    requirements
        Lines of requirements.txt, each ``name==version`` or ``name[extra]==version``, which replace those that are
        found out: the installed versions of what is used.
    folder
        Where it was written to or read from; None before.

    Raises
    ------
    DataError
        If the model cannot predict, is not fitted, was fitted with other columns, or is a classifier of several
        outcomes at once.
    """

    features: Sequence[str]
    model: Any
    transform: Any = None
    preprocess: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    requirements: Sequence[str] | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(self.features))
        if not self.features or len(set(self.features)) < len(self.features):
            raise DataError("features are none, or one is there twice; expected the names of columns", field="features")
        for label, thing, verb in (("transform", self.transform, "transform"), ("model", self.model, "predict")):
            if thing is not None or label == "model":
                _check_fitted(label, thing, verb)
        if isinstance(getattr(self.model, "classes_", None), list) and hasattr(self.model, "predict_proba"):
            raise DataError(
                f"the model ({type(self.model).__name__}) predicts several outcomes at once; make a bundle for each",
                field="model",
            )
        first = self.model if self.transform is None else self.transform
        fitted = getattr(first, "feature_names_in_", None)
        if fitted is not None and list(fitted) != list(self.features):
            raise DataError(
                f"features are not the columns that {type(first).__name__} was fitted with: {list(fitted)}; expected "
                "the same in the same order",
                field="features",
            )
        if getattr(first, "n_features_in_", len(self.features)) != len(self.features):
            raise DataError(
                f"{len(self.features)} features, and {type(first).__name__} was fitted with {first.n_features_in_}",
                field="features",
            )

    def predict(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return a prediction for each row: the probability of each class, in the order of the model's `classes_`.

        Of a regression it is the value, of a classifier without probabilities (`LinearSVC`) the label: what its
        ``predict`` returns.

        Runs the code of preprocess.py if the bundle was read from files.

        Raises
        ------
        DataError
            If a column is not there, `preprocess` fails, or the model cannot take what comes out of it.
        """
        try:
            return self._parts.predict(frame)
        except ValueError as error:
            raise DataError(f"no predictions: {error}") from error

    def write(self, folder: str | Path, *, sample: pd.DataFrame | None = None, overwrite: bool = False) -> ModelBundle:
        """Write the files; the folder appears when all of them are written.

        ``feature_names.json``, ``preprocess.py`` and ``transform.skops`` (if there are any), ``model.skops``,
        ``requirements.txt``, ``sample.json`` (if there is a sample), ``predict.py``, which predicts from them without
        this package, ``README.md``, and ``manifest.json`` with their sizes and digests.

        Parameters
        ----------
        folder
            Where to.
        sample
            A few rows as they come before `preprocess`, stored with their predictions, so that anyone can check the
            files. They are handed on: no rows of real persons then.
        overwrite
            Whether to replace a bundle that is there.

        Returns
        -------
        ModelBundle
            This one, with its folder.

        Warns
        -----
        PickleWarning
            If skops cannot hold the transform or the model.

        Raises
        ------
        DataError
            If something else is in the folder, or a part would not be whole in another process.
        """
        objects = [store("model", self.model)]
        if self.transform is not None:
            objects.insert(0, store("transform", self.transform))
        files = self._files(objects)
        if sample is not None:
            document = _document(sample)
            expected = self.predict(runner.as_frame(document)).tolist()
            files["sample.json"] = _json({"input": document, "predictions": expected})
        types = {each.name: list(each.types) for each in objects}
        manifest = {
            "format": runner.FORMAT,
            "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "model": f"{type(self.model).__module__}.{type(self.model).__qualname__}",
            "predicts": self._parts.method,
            "classes": np.asarray(getattr(self.model, "classes_", [])).tolist(),
            "types": types,
        }
        files["README.md"] = readme(manifest, files).encode()
        manifest["files"] = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "what": WHAT[name]}
            for name, content in sorted(files.items())
        }
        put(Path(folder), {**files, "manifest.json": _json(manifest)}, overwrite=overwrite)
        return replace(self, folder=Path(folder))

    def _files(self, objects: Sequence[StoredObject]) -> dict[str, bytes]:
        files = {each.name: each.content for each in objects}
        files["feature_names.json"] = _json(list(self.features))
        modules = {"numpy", "pandas", *(module for each in objects for module in each.modules)}
        if any(each.name.endswith(".skops") for each in objects):
            modules.add("skops")
        if self.preprocess is not None:
            source = source_of(self.preprocess)
            modules |= modules_of(source)
            files["preprocess.py"] = source.encode()
        files["requirements.txt"] = "".join(f"{line}\n" for line in pins(modules, self.requirements)).encode()
        files["predict.py"] = resources("intempt_nb.analysis.bundles").joinpath("predict.py").read_bytes()
        return files

    @classmethod
    def read(cls, folder: str | Path, *, trusted: Sequence[str] = (), allow_pickle: bool = False) -> ModelBundle:
        """Return a bundle from its files; no code of theirs runs (that of preprocess.py does when it predicts).

        Parameters
        ----------
        folder
            Where it is.
        trusted
            Types that you trust beyond those that are known to be harmless; an error names those that are needed.
        allow_pickle
            Whether a ``.pkl`` file may be read, which runs whatever code is in it.

        Raises
        ------
        DataError
            If a file is missing or not the one that was written, or holds what may not be read.
        """
        folder = Path(folder)
        try:
            manifest, files = runner.read_files(folder)
        except ValueError as error:
            raise DataError(str(error)) from None
        parts = {
            name.partition(".")[0]: read_object(name, content, manifest["types"].get(name, ()), trusted, allow_pickle)
            for name, content in files.items()
            if name.startswith(("model.", "transform."))
        }
        source = files.get("preprocess.py")
        return cls(
            features=_names_in(files["feature_names.json"]),
            model=parts["model"],
            transform=parts.get("transform"),
            preprocess=None if source is None else StoredFunction(source.decode()),
            requirements=files["requirements.txt"].decode().splitlines(),
            folder=folder,
        )

    def check(self, sample: pd.DataFrame | None = None, *, tolerance: float = 0.0) -> BundleCheck:
        """Predict by the files in a clean process and compare; **runs the code in them**, so only for your own.

        The process is a new Python without this package's help, the notebook's names, or paths of its environment.

        Parameters
        ----------
        sample
            Rows as they come before `preprocess`, whose predictions by this object are expected. None for the sample
            that was written, and its predictions.
        tolerance
            How much numbers may differ; 0 for not at all.

        Raises
        ------
        DataError
            If there are no files yet, no sample, or a file is not the one that was written.
        """
        if self.folder is None:
            raise DataError("there are no files to check yet; bundle = bundle.write(folder) first")
        try:
            _, files = runner.read_files(self.folder)
        except ValueError as error:
            raise DataError(str(error)) from None
        if sample is not None:
            document = _document(sample)
            return run_clean(self.folder, document, self.predict(runner.as_frame(document)), tolerance)
        if "sample.json" not in files:
            raise DataError("no sample was written with the bundle; give one: bundle.check(sample)")
        try:
            stored = json.loads(files["sample.json"])
            document, expected = stored["input"], stored["predictions"]
            runner.as_frame(document)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"sample.json holds no sample ({type(error).__name__}: {error})") from None
        return run_clean(self.folder, document, expected, tolerance)

    @property
    def _parts(self) -> runner.Parts:
        return runner.Parts(self.features, self.preprocess, self.transform, self.model)

    def __repr__(self) -> str:
        """Return what it is made of, or the files, as a text table."""
        return text_table(_HEADER, self._lines(), self._caption())

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._lines(), self._caption())

    def _caption(self) -> str:
        where = "not written yet" if self.folder is None else str(self.folder)
        return f"{type(self.model).__name__} of {len(self.features)} features, {where}"

    def _lines(self) -> list[tuple[str, str, str]]:
        if self.folder is None:
            parts = [("transform", self.transform), ("model", self.model), ("preprocess", self.preprocess)]
            return [(label, "", type(each).__name__) for label, each in parts if each is not None]
        try:
            manifest, _ = runner.read_files(self.folder)
        except ValueError as error:
            return [("", "", str(error))]
        return [(name, f"{entry['bytes']:,}", entry["what"]) for name, entry in manifest["files"].items()]


def _check_fitted(label: str, thing: Any, verb: str) -> None:
    if isinstance(thing, type) or not callable(getattr(thing, verb, None)):
        raise DataError(f"the {label} is {thing!r}; expected a fitted estimator with a method {verb}", field=label)
    if hasattr(thing, "__sklearn_tags__"):
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted

        try:
            check_is_fitted(thing)
        except NotFittedError:
            raise DataError(f"the {label} ({type(thing).__name__}) is not fitted; fit it first", field=label) from None


def _document(sample: pd.DataFrame) -> list[dict[str, Any]]:
    for name, column in sample.items():
        kind = column.dtype
        plain = isinstance(kind, np.dtype) and kind.kind in "fiub"
        if not isinstance(name, str) or not (plain or str(kind) == "str"):
            raise DataError(
                f"column {name!r} of the sample is {kind}; expected numbers, truth values and text of pandas' own "
                "types, which a file of text can hold",
                field=str(name),
            )
    return runner.as_document(sample)


def _names_in(content: bytes) -> list[str]:
    try:
        names = json.loads(content)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise DataError("feature_names.json is not a list of names", field="features")
    return names


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()
