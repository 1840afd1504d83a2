"""Files of the browser's machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from intempt_nb.errors import DataError
from intempt_nb.widgets.receiving import Receiving

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    receiving = Receiving.begin(tmp_path, "a.csv", 5)
    assert not receiving.take(0, [memoryview(b"abc")])
    assert not (tmp_path / "a.csv").exists()
    assert receiving.take(3, [memoryview(b"de")])
    assert (tmp_path / "a.csv").read_bytes() == b"abcde"
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_an_empty_file_is_whole_with_its_empty_piece(tmp_path: Path) -> None:
    assert Receiving.begin(tmp_path, "a.csv", 0).take(0, [])
    assert (tmp_path / "a.csv").read_bytes() == b""


@pytest.mark.parametrize(("offset", "piece"), [(2, b"c"), (0, b"abcdef")])
def test_a_lost_piece_or_one_too_many_ends_it(tmp_path: Path, offset: int, piece: bytes) -> None:
    receiving = Receiving.begin(tmp_path, "a.csv", 5)
    with pytest.raises(DataError, match="a piece was lost"):
        receiving.take(offset, [memoryview(piece)])
    assert list(tmp_path.iterdir()) == []


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    receiving = Receiving.begin(tmp_path, "a.csv", 5)
    receiving.take(0, [memoryview(b"abc")])
    receiving.cancel()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/a.csv", "/etc/a.csv", "C:\\secret\\a.csv", "..\\a.csv"])
def test_only_the_last_part_of_a_name_counts(tmp_path: Path, name: str) -> None:
    receiving = Receiving.begin(tmp_path, name, 1)
    receiving.cancel()
    assert receiving.path == tmp_path / "a.csv"


@pytest.mark.parametrize("name", ["", "..", "a/..", "a\0.csv"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no name of a file"):
        Receiving.begin(tmp_path, name, 1)
