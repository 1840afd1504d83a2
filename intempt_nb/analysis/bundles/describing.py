"""What the files of a bundle are, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WHAT", "readme"]

WHAT = {
    "README.md": "this in words",
    "feature_names.json": "the columns that the transform, or the model, takes, in order",
    "model.pkl": "the fitted model, as a pickle: reading it runs code",
    "model.skops": "the fitted model",
    "predict.py": "predicts from these files, and checks them",
    "preprocess.py": "the function preprocess: rows as they come in, columns of features out",
    "requirements.txt": "the packages that are needed, with their versions",
    "sample.json": "a few rows, and their predictions",
    "transform.pkl": "the fitted transform, as a pickle: reading it runs code",
    "transform.skops": "the fitted transform",
}


def readme(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Return the README of a bundle."""
    lines = [
        "# A model as files",
        "",
        f"`{manifest['model']}`, written at {manifest['created']} by Python {manifest['python']}. It answers with "
        f"`{manifest['predicts']}`" + (f", the classes being {manifest['classes']}." if manifest["classes"] else "."),
        "",
        "| file | what |",
        "| --- | --- |",
        *(f"| {name} | {WHAT[name]} |" for name in sorted({*files, "README.md"})),
        "| manifest.json | the sizes and SHA-256 digests of these files |",
        "",
        "    python -m venv venv && venv/bin/pip install -r requirements.txt",
        "    venv/bin/python -I predict.py                 # checks the sample",
        "    venv/bin/python -I predict.py INPUT OUTPUT    # predicts",
        "",
        "The digests tell files that were damaged or exchanged; they do not tell who wrote them. `preprocess.py` and "
        "`predict.py` are code: look at them before you run them.",
    ]
    pickles = [name for name in sorted(files) if name.endswith(".pkl")]
    if pickles:
        lines += [
            "",
            f"**{' and '.join(pickles)}: reading a pickle runs whatever code is in it.** Only from whom you trust.",
        ]
    types = [f"{name}: {', '.join(each)}" for name, each in manifest["types"].items() if each]
    if types:
        lines += [
            "",
            "Types that a reader has to trust, beyond those known to be harmless:",
            "",
            *(f"- {each}" for each in types),
        ]
    return "\n".join([*lines, ""])
