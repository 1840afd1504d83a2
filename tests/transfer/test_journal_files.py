"""The folder of journals: which uploads are the same, and what is removed when."""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from intempt_nb.transfer.journal import Journal
from journals import a_run

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.transfer.journal import Run

RUN = a_run()


def opened(folder: Path, run: Run = RUN) -> closing[Journal]:
    return closing(Journal.open(folder, run, lanes=1, resume=True))


def file_of(folder: Path, run: Run) -> Path:
    return folder / "uploads" / f"{run.id}.db"


@pytest.mark.parametrize(
    "changed",
    [
        *({"content": "cd"}, {"columns": ("name", "id")}, {"schema": "[]"}, {"org": "x"}, {"host": "loopback"}),
        *({"collection_id": "6"}, {"source_id": "4"}, {"key": ("name",)}, {"options": {"nan": "null"}}),
    ],
    ids=str,
)
def test_what_decides_what_is_sent_makes_another_run(changed: dict[str, Any]) -> None:
    assert a_run(**changed).id != RUN.id


def test_where_the_file_lies_and_the_order_of_options_do_not() -> None:
    same = a_run(origin="b.csv", path="/b.csv", base_url="http://x", options={"nan": "reject", "nulls": "explicit"})
    assert same.id == RUN.id
    assert len(RUN.id) == 32


def test_finished_runs_go_after_a_month_and_unfinished_ones_stay(tmp_path: Path) -> None:
    uploads, now = tmp_path / "uploads", time.time()
    runs = {}
    for name in ("old", "unfinished", "fresh"):
        runs[name] = a_run(content=name, path=str(uploads / f"{name}.arrow"))
        with opened(tmp_path, runs[name]) as journal:
            if name != "unfinished":
                journal.finish()
    for name in ("old", "unfinished", "fresh", "orphan"):
        (uploads / f"{name}.arrow").write_text("")
    for name in ("killed", "writing"):
        (uploads / f"{name}.part").write_text("")
    month = [file_of(tmp_path, runs[name]) for name in ("old", "unfinished")]
    month += [uploads / f"{name}.arrow" for name in ("old", "unfinished", "orphan")]
    for path, days in [*((path, 31) for path in month), (uploads / "killed.part", 2)]:
        os.utime(path, (now - days * 86_400,) * 2)
    with opened(tmp_path):
        left = {path.name for path in uploads.iterdir() if path.suffix in (".db", ".arrow", ".part")}
    kept = {file_of(tmp_path, each).name for each in (RUN, runs["unfinished"], runs["fresh"])}
    assert left == {*kept, "unfinished.arrow", "fresh.arrow", "writing.part"}
