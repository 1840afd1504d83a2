"""Predicts from the files of this folder; needs Python and what requirements.txt lists, and nothing else.

``python -I predict.py`` checks the folder: its sample has to give the predictions that were written with it.
``python -I predict.py INPUT OUTPUT`` predicts; both files are JSON, and INPUT is like ``input`` in sample.json.
In Python: ``load(folder).predict(frame)``.

Running this trusts the folder: preprocess.py is code, and so is what a .pkl file holds. The digests in manifest.json
tell files that were damaged or exchanged; they do not tell who wrote them.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import pickle
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMAT = "intempt-nb model bundle 1"

PIN = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[A-Za-z0-9._,-]+\])?==([0-9][A-Za-z0-9.!+_-]*)"
"""A line of requirements.txt: a package, perhaps with extras, and the one version."""

TRUSTED = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""Types that skops does not trust by itself, and that hold arrays and estimators only: none runs code when read."""


@dataclass(frozen=True)
class Parts:
    """What predicts: rows go through `preprocess`, then their columns `features` through `transform` and `model`."""

    features: Sequence[str]
    preprocess: Callable[[pd.DataFrame], pd.DataFrame] | None
    transform: Any
    model: Any

    @property
    def method(self) -> str:
        """What the model is asked for."""
        return "predict_proba" if hasattr(self.model, "predict_proba") else "predict"

    def predict(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return a prediction for each row; of a classifier with predict_proba, the probability of each class."""
        if self.preprocess is not None:
            try:
                frame = self.preprocess(frame.copy())
            except Exception as error:
                raise ValueError(f"preprocess failed: {type(error).__name__}: {error}") from error
            if not isinstance(frame, pd.DataFrame):
                raise ValueError(f"preprocess returned {type(frame).__name__}; expected a DataFrame")
        missing = [name for name in self.features if name not in frame.columns]
        if missing:
            raise ValueError(f"the rows have no column {', '.join(map(repr, missing))}")
        columns = frame.loc[:, list(self.features)]
        ready = columns if self.transform is None else self.transform.transform(columns)
        return np.asarray(getattr(self.model, self.method)(ready))


def read_files(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest and the bytes of the files; ValueError if they are not those that were written."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} is no model bundle: manifest.json cannot be read ({error})") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(f"{folder} is no model bundle of this version: its manifest.json does not say {FORMAT!r}")
    listed, types = manifest.get("files"), manifest.get("types")
    if not isinstance(listed, dict) or not isinstance(types, dict):
        raise ValueError(f"{folder} is no whole model bundle: its manifest.json lists no files")
    sound = all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in types.values())
    form = {"bytes": int, "sha256": str, "what": str}
    for entry in listed.values():
        sound &= isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in form.items())
    if not sound:
        raise ValueError(f"{folder} is no whole model bundle: its manifest.json is not as it was written")
    files: dict[str, bytes] = {}
    needed = {"feature_names.json", "requirements.txt", "predict.py"} - set(manifest["files"])
    if needed or not {"model.skops", "model.pkl"} & set(manifest["files"]):
        raise ValueError(f"{folder} is no whole model bundle: {', '.join(sorted(needed)) or 'the model'} is missing")
    for name, entry in manifest["files"].items():
        if Path(name).name != name or not (folder / name).is_file():
            raise ValueError(f"{name} is missing in {folder}; have the bundle written again")
        files[name] = (folder / name).read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != entry["sha256"]:
            raise ValueError(f"{name} in {folder} is not the file that was written: its SHA-256 is another")
    return manifest, files


def load_object(name: str, content: bytes, trusted: Sequence[str]) -> Any:
    """Return the object in a file; only the types that are trusted are made, but a .pkl makes what it likes."""
    if name.endswith(".pkl"):
        return pickle.loads(content)  # noqa: S301 - who calls this has asked for it
    from skops.io import loads

    return loads(content, trusted=[*TRUSTED, *trusted])


def function_in(source: str) -> Any:
    """Return the function `preprocess` of preprocess.py; runs the code."""
    names: dict[str, Any] = {"__name__": "preprocess"}
    exec(compile(source, "preprocess.py", "exec"), names)  # noqa: S102 - that is what the file is for
    return names["preprocess"]


def load(folder: str | Path) -> Parts:
    """Return what predicts; trusts the folder."""
    manifest, files = read_files(Path(folder))
    parts = {
        name.partition(".")[0]: load_object(name, content, manifest["types"].get(name, ()))
        for name, content in files.items()
        if name.startswith(("model.", "transform."))
    }
    source = files.get("preprocess.py")
    function = None if source is None else function_in(source.decode())
    features = json.loads(files["feature_names.json"])
    return Parts(features, function, parts.get("transform"), parts["model"])


def unmet(requirements: str) -> dict[str, list[str | None]]:
    """Return for each requirement that is not met the version that is wanted, and the one there is, if any."""
    found: dict[str, list[str | None]] = {}
    for line in requirements.splitlines():
        pin = re.fullmatch(PIN, line)
        if pin is None:
            found[line] = ["name==version", None]  # nobody knows what else it would install
            continue
        try:
            there = importlib.metadata.version(pin[1])
        except importlib.metadata.PackageNotFoundError:
            found[pin[1]] = [pin[2], None]
            continue
        if there != pin[2]:
            found[pin[1]] = [pin[2], there]
    return found


def as_document(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame of numbers, truth values and text as what JSON can say, every bit of it."""
    return [
        {
            "name": name,
            "dtype": str(column.dtype),
            "values": [None if isinstance(each, float) and math.isnan(each) else each for each in column.tolist()],
        }
        for name, column in frame.items()
    ]


def as_frame(document: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the frame that :func:`as_document` was given, its rows numbered from 0."""
    return pd.DataFrame({each["name"]: pd.Series(each["values"], dtype=each["dtype"]) for each in document})


def differences(found: Any, expected: Any, tolerance: float = 0.0) -> tuple[int, float]:
    """Return in how many rows predictions differ, and the largest difference (of numbers; infinite if of others)."""
    left, right = np.asarray(found), np.asarray(expected)
    if left.shape != right.shape:
        return max(len(left), len(right)), math.inf
    if left.dtype.kind in "fiu" and right.dtype.kind in "fiu":
        apart = np.where((left == right) | (np.isnan(left) & np.isnan(right)), 0.0, np.abs(left - right))
        apart[np.isnan(apart)] = math.inf
    else:
        apart = np.where(left == right, 0.0, math.inf)
    rows = apart.reshape(len(apart), -1).max(axis=1, initial=0.0)
    return int((rows > tolerance).sum()), float(rows.max(initial=0.0))


def main(arguments: Sequence[str]) -> int:
    """Predict for a file, or check the folder by its sample; return the exit code."""
    folder = Path(__file__).parent
    result: dict[str, Any] = {"python": ".".join(map(str, sys.version_info[:3]))}
    result["unmet"] = unmet((folder / "requirements.txt").read_text(encoding="utf-8"))
    sample = folder / "sample.json"
    if not arguments and not sample.is_file():
        sys.exit("there is no sample.json to check with; usage: predict.py INPUT OUTPUT")
    document = json.loads(Path(arguments[0]).read_bytes() if arguments else sample.read_bytes())
    if not any(there is None for _, there in result["unmet"].values()):
        rows = as_frame(document if arguments else document["input"])
        result["predictions"] = load(folder).predict(rows).tolist()
    if arguments:
        Path(arguments[1]).write_text(json.dumps(result), encoding="utf-8")
        return 0
    wrong = differences(result["predictions"], document["predictions"])[0] if "predictions" in result else None
    print(f"Python {result['python']}; requirements not met: {result['unmet'] or 'none'}")
    print(f"rows whose predictions differ: {'not known' if wrong is None else wrong}")
    return int(bool(wrong is None or wrong or result["unmet"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
