"""Whether files predict, in a process of their own, what they should."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intempt_nb.analysis.bundles.predict import differences
from intempt_nb.display import html_table, text_table

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BundleCheck", "run_clean"]

_HEADER = ("", "")


@dataclass(frozen=True, slots=True, repr=False)
class BundleCheck:
    """What became of a model bundle in a process that had its files only; true if all was as it should be.

    Parameters
    ----------
    rows
        Rows that were to be predicted.
    different
        Those whose predictions differ by more than `tolerance`; None if there were no predictions.
    largest
        The largest difference; infinite between other things than numbers. None if there were no predictions.
    tolerance
        What was allowed.
    unmet
        Packages that are not there, or in another version than requirements.txt says: the version that is wanted, and
        the one there is.
    python
        The version of Python that ran; empty if it did not.
    error
        What the process said when it failed; empty if it did not.
    """

    rows: int
    different: int | None
    largest: float | None
    tolerance: float
    unmet: Mapping[str, tuple[str | None, str | None]]
    python: str
    error: str = ""

    def __bool__(self) -> bool:
        """Return whether the predictions are the same, by the versions that were asked for."""
        return self.different == 0 and not self.unmet and not self.error

    def __repr__(self) -> str:
        """Return the findings as a text table."""
        return text_table(_HEADER, self._lines(), self._caption(), limit=2000)

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._lines(), self._caption(), limit=2000)

    def _caption(self) -> str:
        return "the files give the same predictions" if self else "the files do not do"

    def _lines(self) -> list[tuple[str, str]]:
        lines = [("rows", f"{self.rows:,}"), ("Python", self.python)]
        if self.different is not None:
            lines += [("rows that differ", f"{self.different:,}"), ("largest difference", f"{self.largest:.3g}")]
        for name, (wanted, there) in self.unmet.items():
            lines.append((name, f"{wanted or 'any version'} is asked for, {there or 'none'} is there"))
        return [*lines, *([("error", self.error)] if self.error else [])]


def run_clean(folder: Path, document: list[dict[str, Any]], expected: Any, tolerance: float) -> BundleCheck:
    """Predict by the files of a folder, in a process that sees no others, and compare; runs their code."""
    rows = len(document[0]["values"]) if document else 0
    with tempfile.TemporaryDirectory() as aside:
        given, made = Path(aside, "input.json"), Path(aside, "output.json")
        given.write_text(json.dumps(document), encoding="utf-8")
        run = subprocess.run(  # noqa: S603 - our own Python, and the files that are to be checked
            [sys.executable, "-I", str(folder.absolute() / "predict.py"), str(given), str(made)],
            cwd=aside,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if run.returncode or not made.is_file():
            last = run.stderr.strip().splitlines()[-1:] or [f"exit code {run.returncode}"]
            return BundleCheck(rows, None, None, tolerance, {}, "", last[0])
        result = json.loads(made.read_bytes())
    unmet = {name: (wanted, there) for name, (wanted, there) in result["unmet"].items()}
    if "predictions" not in result:
        return BundleCheck(rows, None, None, tolerance, unmet, result["python"])
    different, largest = differences(result["predictions"], expected, tolerance)
    return BundleCheck(rows, different, largest, tolerance, unmet, result["python"])
