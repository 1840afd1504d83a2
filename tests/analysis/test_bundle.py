"""A model as files: the same predictions in a clean process, nothing run on reading, nothing half-written."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import pickle
import shutil
import warnings
import xml.etree.ElementTree
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import intempt_nb as inb
from intempt_nb.analysis import ModelBundle, PickleWarning
from intempt_nb.analysis.bundles import predict as runner
from intempt_nb.analysis.bundles.checking import BundleCheck
from intempt_nb.analysis.bundles.functions import source_of
from intempt_nb.analysis.bundles.requirements import pins

RNG = np.random.default_rng(7)
FRAME = pd.DataFrame({"spend": RNG.gamma(2, 20, 120), "days": RNG.integers(0, 90, 120).astype(float)})
FRAME.loc[5, "days"] = np.nan
TARGET = FRAME["spend"] + RNG.normal(0, 20, 120) > 40
RATE = 1.1


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    half = Fraction(xml.etree.ElementTree.fromstring("<half>1/2</half>").text or "")
    return frame.assign(
        spend=frame["cents"] / 100 * float(half) * 2, days=np.where(frame["days"] < 0, np.nan, frame["days"])
    )


def taxed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame * RATE


def taxing(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(spend=frame["tax"])


def boosted(**options: Any) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=5, random_state=0, **options).fit(FRAME, TARGET)


HOMES = importlib.metadata.packages_distributions()


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look through the installed packages once, as it takes a second."""
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: HOMES)


@pytest.fixture
def bundle() -> ModelBundle:
    return ModelBundle(features=["spend", "days"], model=boosted())


def test_the_whole_set_predicts_the_same_in_a_clean_process(tmp_path: Path) -> None:
    """One process for all, as it takes seconds to start: a bit of one prediction and one version are not the same."""
    transform = make_pipeline(SimpleImputer(), StandardScaler()).fit(FRAME)
    model = LogisticRegression().fit(transform.transform(FRAME), TARGET)
    raw = pd.DataFrame(
        {"cents": FRAME["spend"] * 100, "days": FRAME["days"], "who": pd.Series(["ann"] * 120, dtype="str")}
    )
    made = ModelBundle(features=list(FRAME), preprocess=doubled, transform=transform, model=model)
    written = made.write(tmp_path / "deep" / "model", sample=raw.head(9))
    manifest = json.loads((tmp_path / "deep" / "model" / "manifest.json").read_text())
    assert set(manifest["files"]) | {"manifest.json"} == {each.name for each in (tmp_path / "deep" / "model").iterdir()}
    assert set(manifest["files"]) == {
        "README.md",
        "feature_names.json",
        "model.skops",
        "predict.py",
        "preprocess.py",
        "requirements.txt",
        "sample.json",
        "transform.skops",
    }
    requirements = (tmp_path / "deep" / "model" / "requirements.txt").read_text()
    for package in ("numpy", "pandas", "scikit-learn", "skops"):
        assert f"{package}=={importlib.metadata.version(package)}\n" in requirements
    again = ModelBundle.read(tmp_path / "deep" / "model")
    np.testing.assert_array_equal(again.predict(raw), made.predict(raw))
    assert "preprocess.py" in repr(again)
    assert "LogisticRegression of 2 features" in again._repr_html_()
    there = importlib.metadata.version("skops")
    (tmp_path / "deep" / "model" / "requirements.txt").write_text(requirements.replace("skops==", "skops==0.0."))
    with pytest.raises(inb.DataError, match=r"requirements.txt in .* is not the file that was written"):
        written.check()
    sample = json.loads((tmp_path / "deep" / "model" / "sample.json").read_text())
    sample["predictions"][3][0] = float(np.nextafter(sample["predictions"][3][0], 2))
    (tmp_path / "deep" / "model" / "sample.json").write_text(json.dumps(sample))
    reseal(tmp_path / "deep" / "model", "requirements.txt", "sample.json")
    check = written.check()
    assert not check
    assert (check.rows, check.different, check.error) == (9, 1, "")
    assert check.largest is not None
    assert 0 < check.largest < 1e-15
    assert check.unmet == {"skops": (f"0.0.{there}", there)}
    assert f"0.0.{there} is asked for, {there} is there" in repr(check)
    assert dataclasses.replace(check, different=0, unmet={})  # a whole one runs in the notebook's test
    assert not dataclasses.replace(check, different=0)
    assert not dataclasses.replace(check, unmet={})


def test_a_requirement_is_met_by_its_version_only() -> None:
    there = importlib.metadata.version("skops")
    lines = [f"skops=={there}", f"skops[rust]=={there}", f"skops=={there}.1", "no-such-package==1.0", "skops>=0.1"]
    assert runner.unmet("\n".join(lines)) == {
        "skops": [f"{there}.1", there],
        "no-such-package": ["1.0", None],
        "skops>=0.1": ["name==version", None],
    }
    missing = BundleCheck(1, None, None, 0.0, {"no-such-package": ("1.0", None)}, "3.11.7")
    assert not missing
    assert "no-such-package  1.0 is asked for, none is there" in repr(missing)


def reseal(folder: Path, *names: str) -> None:
    """Make a changed folder look right, as one who forges it would."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in names:
        digest = runner.hashlib.sha256((folder / name).read_bytes()).hexdigest()
        manifest["files"][name] = {"bytes": 0, "sha256": digest, "what": ""}
    (folder / "manifest.json").write_text(json.dumps(manifest))


MODELS = {
    "pipeline": lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=3),
    "regressor": lambda: HistGradientBoostingRegressor(max_iter=3),
    "calibrated": lambda: CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=3), cv=2),
    "isotonic": lambda: CalibratedClassifierCV(
        make_pipeline(SimpleImputer(), LogisticRegression()), method="isotonic", cv=2
    ),
    "columns": lambda: make_pipeline(
        ColumnTransformer([("scale", StandardScaler(), ["spend"]), ("one", OneHotEncoder(), ["days"])]),
        LogisticRegression(),
    ),
    "forest": lambda: make_pipeline(SimpleImputer(), RandomForestClassifier(3)),
}


@pytest.mark.parametrize("name", MODELS)
def test_skops_holds_the_usual_models(name: str, tmp_path: Path) -> None:
    model = MODELS[name]().fit(FRAME, TARGET)
    ModelBundle(features=list(FRAME), model=model).write(tmp_path / "model")
    again = ModelBundle.read(tmp_path / "model")  # trusts nothing of its own
    expected = model.predict_proba(FRAME) if hasattr(model, "predict_proba") else model.predict(FRAME)
    np.testing.assert_array_equal(again.predict(FRAME), expected)


def test_types_that_are_not_known_are_asked_for(tmp_path: Path) -> None:
    model = make_pipeline(SimpleImputer(), KNeighborsClassifier()).fit(FRAME, TARGET)
    written = ModelBundle(features=list(FRAME), model=model).write(tmp_path / "model")
    with pytest.raises(inb.DataError, match=r"not known to be harmless: .*KDTree.* trusted=\[") as caught:
        ModelBundle.read(tmp_path / "model")
    types = eval(str(caught.value).rpartition("trusted=")[2].rstrip(")"))
    assert ModelBundle.read(tmp_path / "model", trusted=types).predict(FRAME).shape == (120, 2)
    assert all(each in (tmp_path / "model" / "README.md").read_text() for each in types)
    assert written.folder == tmp_path / "model"


def test_what_only_pickle_holds_is_told_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import skops.io

    step = FunctionTransformer(np.abs, feature_names_out="one-to-one").fit(FRAME)
    bundle = ModelBundle(features=list(FRAME), transform=step, model=boosted())
    dumps = skops.io.dumps
    monkeypatch.setattr("skops.io.dumps", lambda thing: refuse(thing) if thing is step else dumps(thing))
    with pytest.warns(PickleWarning, match=r"transform.pkl is a pickle.*NotImplementedError: no") as noted:
        bundle.write(tmp_path / "model")
    assert {Path(each.filename).name for each in noted} == {"test_bundle.py"}
    assert "Only from whom you trust" in (tmp_path / "model" / "README.md").read_text()
    with pytest.raises(inb.DataError, match="allow_pickle=True"):
        ModelBundle.read(tmp_path / "model")
    again = ModelBundle.read(tmp_path / "model", allow_pickle=True)
    np.testing.assert_array_equal(again.predict(FRAME), bundle.predict(FRAME))


def refuse(thing: Any) -> bytes:
    raise NotImplementedError("no")


class Trap:
    """What a forged file would do when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("sprung"),)


def test_reading_runs_nothing(bundle: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skops.io import dumps

    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    bundle.write(folder)
    (folder / "preprocess.py").write_text(
        "import pathlib\npathlib.Path('sprung').touch()\ndef preprocess(f): return f\n"
    )
    reseal(folder, "preprocess.py")
    again = ModelBundle.read(folder)
    repr(again)
    assert not Path("sprung").exists()
    (folder / "model.skops").write_bytes(dumps(Trap()))
    reseal(folder, "model.skops")
    with pytest.raises(inb.DataError, match="not known to be harmless"):
        ModelBundle.read(folder)
    (folder / "model.skops").rename(folder / "model.pkl")
    (folder / "model.pkl").write_bytes(pickle.dumps(Trap()))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["model.skops"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    reseal(folder, "model.pkl")
    with pytest.raises(inb.DataError, match="allow_pickle"):
        ModelBundle.read(folder)
    assert not Path("sprung").exists()


@pytest.mark.parametrize("name", ["model.skops", "feature_names.json", "predict.py"])
def test_a_file_that_was_changed_or_lost_is_not_read(bundle: ModelBundle, tmp_path: Path, name: str) -> None:
    bundle.write(tmp_path / "model")
    with (tmp_path / "model" / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(inb.DataError, match=f"{name} in .* SHA-256"):
        ModelBundle.read(tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    with pytest.raises(inb.DataError, match=f"{name} is missing"):
        ModelBundle.read(tmp_path / "model")
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(inb.DataError, match="is no model bundle"):
        ModelBundle.read(tmp_path / "model")


def broken_manifest(manifest: dict[str, Any], what: str) -> None:
    files = manifest["files"]
    match what:
        case "no entry":
            files["README.md"] = None
        case "no size":
            del files["README.md"]["bytes"]
        case "no digest":
            del files["README.md"]["sha256"]
        case "types":
            manifest["types"] = {"model.skops": 5}


@pytest.mark.parametrize("what", ["no entry", "no size", "no digest", "types"])
def test_a_manifest_that_was_tampered_with_is_told(bundle: ModelBundle, tmp_path: Path, what: str) -> None:
    bundle.write(tmp_path / "model")
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    broken_manifest(manifest, what)
    (tmp_path / "model" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(inb.DataError, match="not as it was written"):
        ModelBundle.read(tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.skops", b"no archive", r"no object can be made of model.skops \(BadZipFile"),
        ("feature_names.json", b"{}", "feature_names.json is not a list of names"),
        ("sample.json", b"[]", "sample.json holds no sample"),
    ],
)
def test_files_that_make_no_sense_are_told(
    bundle: ModelBundle, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    bundle.write(tmp_path / "model", sample=FRAME.head(2))
    (tmp_path / "model" / name).write_bytes(content)
    reseal(tmp_path / "model", name)
    with pytest.raises(inb.DataError, match=message):
        ModelBundle.read(tmp_path / "model").check()


def test_only_a_bundle_is_overwritten_and_never_by_half(
    bundle: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(inb.DataError, match="is no model bundle; it is left alone"):
        bundle.write(folder, overwrite=True)
    (folder / "thesis.txt").unlink()
    bundle.write(folder)
    with pytest.raises(inb.DataError, match="overwrite=True replaces it"):
        bundle.write(folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(inb.DataError, match=r"other files in it \(notes.txt\)"):
        bundle.write(folder, overwrite=True)
    (folder / "notes.txt").unlink()
    other = ModelBundle(features=list(FRAME), model=boosted(learning_rate=0.5))
    with monkeypatch.context() as broken:
        broken.setattr("intempt_nb.analysis.bundles.folder.os.fsync", full)
        with pytest.raises(OSError, match="no space"):
            other.write(folder, overwrite=True)
    np.testing.assert_array_equal(ModelBundle.read(folder).predict(FRAME), bundle.predict(FRAME))
    other.write(folder, overwrite=True)
    np.testing.assert_array_equal(ModelBundle.read(folder).predict(FRAME), other.predict(FRAME))
    assert [each.name for each in tmp_path.iterdir()] == ["model"]
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(inb.DataError, match=r"link is a link to .*; give the folder itself"):
        other.write(tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()


def full(_: int) -> None:
    raise OSError("no space")


def test_a_function_brings_its_imports() -> None:
    text = source_of(doubled)
    assert text.startswith("from fractions import Fraction\nimport numpy as np\nimport pandas as pd\nimport xml\n")
    assert "\nimport xml.etree.ElementTree\n" in text
    assert text.endswith("\npreprocess = doubled\n")


def outer(factor: float) -> Any:
    def inner(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.map(lambda value: next(factor * each for each in [value]))

    return inner


def counted() -> Any:
    calls = 0

    def inner(frame: pd.DataFrame) -> pd.DataFrame:
        nonlocal calls
        calls += 1
        return frame

    return inner


def helped(frame: pd.DataFrame, rate: float = RATE) -> pd.DataFrame:
    return full(frame)  # type: ignore[return-value,arg-type]  # on purpose


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (taxed, "taxed uses RATE, defined outside"),
        (outer(2), "inner uses factor, defined outside"),
        (counted(), "inner cannot be written to a file by itself .*nonlocal 'calls'"),
        (helped, "helped uses RATE, full, defined outside"),
        (lambda frame: frame, "is a lambda"),
        (str.upper, "is a method_descriptor"),
        ({}, "is a dict"),
    ],
)
def test_a_function_that_needs_more_is_refused(function: Any, message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        source_of(function)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ["days", "spend"]}, "not the columns that HistGradientBoostingClassifier was fitted with"),
        ({"features": []}, "features are none"),
        ({"model": LogisticRegression()}, r"model \(LogisticRegression\) is not fitted"),
        ({"model": LogisticRegression}, "expected a fitted estimator with a method predict"),
        ({"transform": boosted()}, "method transform"),
        (
            {"model": RandomForestClassifier(2).fit(FRAME.fillna(0), np.c_[TARGET, ~TARGET])},
            "predicts several outcomes at once",
        ),
    ],
)
def test_what_is_no_model_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        ModelBundle(**{"features": ["spend", "days"], "model": boosted(), **options})


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org",
        "skops==0.16.0 --index-url https://example.org",
        "skops==0.16.0\n--extra-index-url https://example.org",
        "skops==0.16.0\n",
        "skops @ https://example.org/a.whl",
        "./wheel",
        "skops>=0.16",
        "skops==0.*",
        "skops==0.16.0; python_version<'3'",
        "skops",
    ],
)
def test_requirements_are_pins(line: str) -> None:
    with pytest.raises(inb.DataError, match=r"is not of the form 'scikit-learn==1\.6\.1'"):
        pins(["skops"], [line])
    assert pins(["skops"], ["skops[rust]==9!1.0+cpu"]) == ["skops[rust]==9!1.0+cpu"]


def test_what_cannot_be_handed_on_is_refused(bundle: ModelBundle, tmp_path: Path) -> None:
    with pytest.raises(inb.DataError, match="no files to check yet"):
        bundle.check()
    dated = FRAME.assign(at=pd.Timestamp("2025-01-01"))
    with pytest.raises(inb.DataError, match="column 'at' of the sample is datetime64"):
        bundle.write(tmp_path / "model", sample=dated)
    with pytest.raises(inb.DataError, match="the rows have no column 'days'"):
        bundle.predict(FRAME[["spend"]])
    for function, message in ((str, "preprocess returned str"), (taxing, "preprocess failed: KeyError: 'tax'")):
        with pytest.raises(inb.DataError, match=message) as caught:
            ModelBundle(features=list(FRAME), model=boosted(), preprocess=function).predict(FRAME)  # type: ignore[arg-type]  # on purpose
    assert isinstance(caught.value.__cause__.__cause__, KeyError)  # type: ignore[union-attr]  # it has causes
    assert not list(tmp_path.iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bundle.write(tmp_path / "model")
    with pytest.raises(inb.DataError, match="no sample was written"):
        bundle.write(tmp_path / "model", overwrite=True).check()
