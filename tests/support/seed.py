"""Seed 000 as the tests use it: its commands as they stand, with the host, the key and the ids of a sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

__all__ = [
    "COLLECTION",
    "HOST",
    "PRIMARY",
    "SOURCE",
    "VISITOR_KEY",
    "blocks",
    "exchanges",
    "seed",
    "seed_001",
    "track_line",
]

HOST = "https://api.intempt.com"
SOURCE, COLLECTION, PRIMARY = "98091578149437440", "98092788222918656", "98124356064772096"
VISITOR_KEY = "98109073040211968"


def seed() -> str:
    """Return the text of seed 000."""
    return _text("000")


def seed_001() -> str:
    """Return the text of seed 001, about sources."""
    return _text("001")


def _text(number: str) -> str:
    """Return a seed; they lie beside the clone, or where ``INTEMPT_NB_SHARED`` says."""
    shared = Path(os.environ.get("INTEMPT_NB_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
    found = sorted((shared / "seeds").glob(f"{number}_*.txt"))
    if found:
        return found[0].read_text(encoding="utf-8")
    message = f"no seed {number} under {shared.name}/seeds; set INTEMPT_NB_SHARED to the folder that holds 'seeds'"
    if os.environ.get("INTEMPT_NB_STRICT"):
        pytest.fail(message)
    pytest.skip(message)


def blocks() -> list[str]:
    return re.findall(r"```\w*\n(.*?)```", seed(), re.DOTALL)


def exchanges() -> list[tuple[str, Any]]:
    """Return each curl command with its example answer."""
    texts = blocks()
    pairs = [(text, json.loads(texts[index + 1])) for index, text in enumerate(texts) if text.startswith("curl ")]
    assert len(pairs) == 3
    return pairs


def send_with_curl(words: list[str]) -> Any:
    """Run a command of the seed and return the answer; without curl on the machine, what it would send is sent."""
    if shutil.which("curl") is None:
        found = dict(zip(words[2::2], words[3::2], strict=True))
        headers = dict([found["-H"].split(": ", 1)])
        return requests.request(found["-X"], words[1], data=found["-d"], headers=headers, timeout=30).json()
    done = subprocess.run([words[0], "-sS", *words[1:]], capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def track_line() -> str:
    """Return the seed's line of JavaScript."""
    [line] = [text for text in blocks() if ".track(" in text]
    return line
