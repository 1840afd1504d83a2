"""Only this package's own errors come out of its readers: for the saved inputs, and for what a fuzzer makes of them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz_targets import TARGETS

HERE = Path(__file__).parent
SAVED = sorted(HERE.glob("corpus/*/*"))
SECONDS = 7


@pytest.mark.parametrize("path", SAVED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_stays_harmless(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", ["schema", "page", "container"])
def test_nothing_else_comes_out_under_a_fuzzer(target: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        message = "atheris is not installed, which has no wheel for this Python or platform"
        if os.environ.get("INTEMPT_NB_STRICT"):
            pytest.fail(message)
        pytest.skip(message)
    limits = [f"-max_total_time={SECONDS}", "-timeout=20", "-rss_limit_mb=3000", "-max_len=4096", "-verbosity=0"]
    folders = [str(tmp_path), str(HERE / "corpus" / target)]
    command = [
        sys.executable,
        str(HERE.parent / "support" / "fuzz.py"),
        target,
        *limits,
        f"-artifact_prefix={tmp_path}/",
        *folders,
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
