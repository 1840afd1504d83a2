"""What is to be uploaded: of one content from beginning to end, known again in the same place, its copy its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.batches import Routing
from intempt_nb.transfer.jobs import make_job, options_of
from intempt_nb.transfer.options import Delivery, Limits, MissingValues, Target, UploadOptions
from intempt_nb.transfer.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.transfer.jobs import Job

FIELDS = [{"name": "id", "type": "string"}, {"name": "n", "type": ["null", "long"]}]
TARGET = Target("1", "2", "things", Schema.parse({"type": "record", "name": "r", "fields": FIELDS}), ("id",))
ROWS = pd.DataFrame({"id": ["a", "b"], "n": [1, 2]})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "uploads"


def job_of(source: Any, copied: bool = True, **options: Any) -> Job:
    return make_job(TARGET, source, UploadOptions(**options), copied=copied, fixed=False)


@pytest.mark.parametrize("suffix", [".csv", ".feather"])
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_nothing_is_sent_of_a_file_that_has_changed(tmp_path: Path, suffix: str, taken: int) -> None:
    path = tmp_path / f"a{suffix}"
    ROWS.to_csv(path, index=False) if suffix == ".csv" else ROWS.to_feather(path)
    job = job_of(path, copied=False, limits=Limits(batch_rows=1))
    batches = job.batches(Routing(1), Tally())
    for _ in range(taken):
        next(batches)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    with pytest.raises(inb.UploadError, match=rf"a{suffix} has changed while it was uploaded; upload it again as it"):
        next(batches)


def test_a_change_before_the_content_is_known_is_seen_too(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("n\n1\n")  # no keys: the content is read to make some
    job = job_of(path)
    path.write_text("n\n1\n2\n")
    job.run("org", "https://api.intempt.com", None)
    with pytest.raises(inb.UploadError, match="has changed"):
        list(job.batches(Routing(1), Tally()))


def test_the_same_rows_are_another_upload_behind_another_path(folder: Path) -> None:
    job = job_of(ROWS, copied=False)

    def upload_id(base_url: str) -> str:
        return job.run("org", base_url, None).id

    assert upload_id("http://127.0.0.1:1") == upload_id("http://localhost:2")
    assert upload_id("http://127.0.0.1:1/eu") == upload_id("http://localhost:2/eu")
    assert len({upload_id(f"http://127.0.0.1:1{path}") for path in ("", "/eu", "/us")}) == 3
    assert upload_id("https://proxy.example/eu") != upload_id("https://proxy.example/us")


def test_a_run_tells_the_options_that_it_had() -> None:
    options = UploadOptions(
        csv=CsvOptions("latin-1", ";", None, ","),
        missing=MissingValues("omit", "null"),
        key=["n"],
        columns={"n": "n"},
        delivery=Delivery("skip"),
    )
    job = make_job(TARGET, ROWS.drop(columns="id"), options, copied=False, fixed=True)
    assert options_of(job.run("org", "https://api.intempt.com", None)) == options


def test_an_upload_that_cannot_be_made_leaves_no_copy(folder: Path) -> None:
    with pytest.raises(inb.DataError, match="key names 'm'"):
        job_of(ROWS, key=["m"])
    with pytest.raises(inb.DataError, match="key names 'm'"):
        job_of(pa.table({"n": [1]}).to_reader(), key=["m"])
    assert list(folder.iterdir()) == []


def test_each_upload_discards_its_own_copy(folder: Path, tmp_path: Path) -> None:
    one, other = job_of(ROWS), job_of(ROWS)
    one.discard()
    one.discard()
    assert list(folder.iterdir()) == [other.source.path]
    (tmp_path / "a.csv").write_text("id\na\n")
    job_of(tmp_path / "a.csv").discard()
    assert (tmp_path / "a.csv").exists()
