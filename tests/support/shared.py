"""The public conformance cases and the seeds: they lie beside the checkout, or where ``INTEMPT_NB_SHARED`` says.

Where they are absent the tests that need them are skipped and say so; under ``INTEMPT_NB_STRICT`` they fail instead.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

__all__ = ["cases", "shared_path"]

SHARED = Path(os.environ.get("INTEMPT_NB_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")


def _absent(path: str) -> str | None:
    """Return why a shared file is not there, None if it is; raises where it must be."""
    if (SHARED / path).exists():
        return None
    message = f"no {path} under {SHARED.name}; set INTEMPT_NB_SHARED to the folder that holds it"
    if os.environ.get("INTEMPT_NB_STRICT"):
        raise FileNotFoundError(message)
    return message


def shared_path(path: str) -> Path:
    """Return the path of a shared file or folder; the test is skipped where it is absent."""
    message = _absent(path)
    if message is not None:
        pytest.skip(message)
    return SHARED / path


def cases(path: str, key: str | None = None, name: str = "id") -> list[Any]:
    """Return the cases of a shared JSON file as parameters of a test, one skipped parameter where it is absent.

    Parameters
    ----------
    path
        ``conformance/avro/compat_pairs.json``.
    key
        Which list of the file's object; None where the file is a list.
    name
        The case's entry that names it; its number where it has none.
    """
    message = _absent(path)
    if message is not None:
        return [pytest.param(None, marks=pytest.mark.skip(reason=message))]
    found = json.loads((SHARED / path).read_text(encoding="utf-8"))
    found = found if key is None else found[key]
    return [pytest.param(case, id=str(case.get(name, number))) for number, case in enumerate(found)]
