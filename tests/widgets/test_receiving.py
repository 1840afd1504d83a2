"""Files of the browser's machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from intempt_nb.errors import DataError
from intempt_nb.widgets.receiving import Receiver

if TYPE_CHECKING:
    from pathlib import Path


def piece(content: bytes) -> list[memoryview]:
    return [memoryview(content)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def receiver(folder: Path) -> Receiver:
    def made() -> Path:
        folder.mkdir(exist_ok=True)
        return folder

    return Receiver(made)


def test_a_file_is_there_once_it_is_whole(receiver: Receiver, folder: Path) -> None:
    receiver.begin("v", "a.csv", 5)
    assert receiver.take("v", 0, piece(b"abc")) is None
    assert receiver.shown() == {"name": "a.csv", "size": 5, "received": 3}
    assert not (folder / "a.csv").exists()
    assert receiver.take("v", 3, piece(b"de")) == folder / "a.csv"
    assert (folder / "a.csv").read_bytes() == b"abcde"
    assert [each.name for each in folder.iterdir()] == ["a.csv"]
    assert receiver.shown() is None


def test_an_empty_file_is_whole_with_its_empty_piece(receiver: Receiver, folder: Path) -> None:
    receiver.begin("v", "a.csv", 0)
    assert receiver.take("v", 0, []) == folder / "a.csv"
    assert (folder / "a.csv").read_bytes() == b""


@pytest.mark.parametrize(("offset", "content"), [(2, b"c"), (0, b"abcdef")])
def test_a_lost_piece_or_one_too_many_ends_it(receiver: Receiver, folder: Path, offset: int, content: bytes) -> None:
    receiver.begin("v", "a.csv", 5)
    with pytest.raises(DataError, match="a piece was lost"):
        receiver.take("v", offset, piece(content))
    assert receiver.shown() is None
    assert not folder.exists()


def test_a_file_takes_no_piece_of_another_view(receiver: Receiver, folder: Path) -> None:
    receiver.begin("one", "a.csv", 2)
    receiver.begin("two", "b.csv", 2)
    assert receiver.take("one", 0, piece(b"aa")) is None
    assert receiver.take("two", 0, piece(b"bb")) == folder / "b.csv"
    assert (folder / "b.csv").read_bytes() == b"bb"
    assert [each.name for each in folder.iterdir()] == ["b.csv"]


def test_cancelling_leaves_nothing_and_what_comes_later_is_left_out(receiver: Receiver, folder: Path) -> None:
    receiver.begin("v", "a.csv", 5)
    receiver.take("v", 0, piece(b"abc"))
    receiver.cancel()
    assert receiver.take("v", 3, piece(b"de")) is None
    assert not folder.exists()


@pytest.mark.parametrize("name", ["../../etc/a.csv", "/etc/a.csv", "C:\\secret\\a.csv", "..\\a.csv"])
def test_only_the_last_part_of_a_name_counts(receiver: Receiver, folder: Path, name: str) -> None:
    receiver.begin("v", name, 1)
    assert receiver.take("v", 0, piece(b"a")) == folder / "a.csv"


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("", 1, "no name of a file"),
        ("..", 1, "no name of a file"),
        ("a/..", 1, "no name of a file"),
        ("a\0.csv", 1, "no name of a file"),
        ("a.csv", -5, "no size of a file"),
        ("a.csv", float("nan"), "no size of a file"),
        ("a.csv", "x", "no size of a file"),
        ("a" * 300, 1, "cannot be kept: File name too long"),
    ],
)
def test_what_is_no_file_is_refused(receiver: Receiver, name: str, size: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        receiver.begin("v", name, size)
    assert receiver.shown() is None
