"""The README's code runs, and prints what the README says it prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import intempt_nb as inb

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```python\n(.*?)```(?:\n```\n(.*?)```)?", re.DOTALL)
# What differs from run to run: how long it took.
TIMING = re.compile(r"^(time +).*$", re.MULTILINE)


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in TIMING.sub(r"\1…", text).strip().splitlines()]


def test_the_code_runs_and_prints_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")  # what the code writes does not end up in the project
    monkeypatch.chdir(tmp_path)
    local_part = README.partition("## Connecting")[0]
    blocks = BLOCK.findall(local_part)
    assert sum(bool(output) for _, output in blocks) == 11
    names: dict[str, Any] = {}
    for code, output in blocks:
        exec(compile(code, "README.md", "exec"), names)
        printed = capsys.readouterr().out
        assert lines_of(printed) == lines_of(output)
    names["client"].close()


def test_the_code_for_dask_runs(
    client: inb.Client, shop: inb.SourceHandle, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    inferred = inb.infer_schema(data / "purchases.csv")
    purchases = shop.create_collection("purchases", inferred.schema.with_field({"name": "eventId", "type": "string"}))
    purchases.create_identifier("purchase", fields=["eventId"])
    Path("purchases").mkdir()
    rows = pd.read_csv(data / "purchases.csv", dtype={"customerId": "string"})
    for start in (0, 3_000):
        rows[start : start + 3_000].to_parquet(f"purchases/{start}.parquet")
    _, code, _ = (block for block, _ in BLOCK.findall(README.partition("## Beyond one machine")[2]))
    names: dict[str, Any] = {"inb": inb, "client": client}
    exec(compile(code, "README.md", "exec"), names)
    assert names["report"].accepted == len(names["frame"]) == 6_000


def test_the_commands_it_names_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in set(re.findall(r"(?:`|^)make (\w+)", README, re.MULTILINE)):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command


def test_the_files_it_names_are_there() -> None:
    for name in re.findall(r"`([\w./-]+\.(?:py|ipynb|csv)|\.ci/run)`", README):
        assert (ROOT / name).exists() or (ROOT / "notebooks" / name).exists(), name
