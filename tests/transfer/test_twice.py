"""Rows without keys that come again after a correction: there is a warning before they are there twice."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from intempt_nb.transfer.journal import Journal, Run
from intempt_nb.transfer.twice import TwiceWarning, warn_of_twice
from journals import a_run

if TYPE_CHECKING:
    from pathlib import Path

FILE = a_run(path="/data/purchases.csv")


def send(folder: Path, run: Run, accepted: bool = True) -> None:
    journal = Journal.open(folder, run, lanes=1, resume=True)
    journal.begin(0, 0, 9, 10)
    if accepted:
        journal.accept(0, 0, 9)
    journal.close()


def test_another_content_of_the_same_file_is_warned_of(tmp_path: Path) -> None:
    send(tmp_path, FILE)
    again = a_run(path=FILE.path, content="cd", columns=("name",))
    with pytest.warns(
        TwiceWarning, match=r"purchases\.csv was uploaded into purchases before, .* report\.retry"
    ) as told:
        warn_of_twice(tmp_path, again)
    assert told[0].filename == __file__
    send(tmp_path, again)
    warn_of_twice(tmp_path, again)


def test_of_frames_nothing_is_said_as_they_may_be_parts_of_a_whole(tmp_path: Path) -> None:
    copies = tmp_path / "uploads"
    send(tmp_path, a_run(origin="DataFrame", path=str(copies / "a.arrow")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_twice(tmp_path, a_run(origin="DataFrame", path=str(copies / "b.arrow"), content="cd"))


@pytest.mark.parametrize(
    "other",
    [
        a_run(path="/data/others.csv", content="cd"),
        a_run(path=FILE.path, content="cd", collection_id="6"),
        a_run(path=FILE.path, content="cd", host="loopback"),
        a_run(path=FILE.path, options={"nulls": "omit"}),
    ],
)
def test_other_rows_and_other_places_are_not(tmp_path: Path, other: Run) -> None:
    send(tmp_path, FILE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_twice(tmp_path, other)


def test_what_brought_nothing_or_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    send(tmp_path, FILE, accepted=False)
    (tmp_path / "uploads" / "a.db").write_bytes(b"x" * 5_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_twice(tmp_path, a_run(path=FILE.path, content="cd"))
