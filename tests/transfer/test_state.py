"""The state folder: where it is, that it is private, and what is said where it is no good."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

import intempt_nb as inb
from intempt_nb.transfer.state import StateWarning, state_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is not there yet, as the user chose it."""
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "new" / "state"))
    return tmp_path / "new" / "state"


def mount(monkeypatch: pytest.MonkeyPatch, *mounted: tuple[Path | str, str]) -> None:
    def partitions(all: bool) -> list[SimpleNamespace]:
        return [SimpleNamespace(mountpoint=str(place), fstype=kind) for place, kind in mounted]

    monkeypatch.setattr(psutil, "disk_partitions", partitions)


def test_it_is_where_the_user_says_and_for_nobody_else(chosen: Path) -> None:
    assert state_folder() == chosen
    assert chosen.stat().st_mode & 0o777 == 0o700
    assert state_folder() == chosen


def test_it_is_the_users_own_if_the_user_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTEMPT_NB_STATE", " ")
    for name in ("XDG_STATE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    folder = state_folder()
    assert folder.name == "intempt_nb"
    assert folder.is_relative_to(tmp_path)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/state"):
        monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / place))
        with pytest.raises(inb.ConfigurationError, match=r"cannot be made \(.*set the environment variable INTEMPT_NB"):
            state_folder()


def test_a_folder_that_cannot_be_written_is_a_clear_error(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state_folder()
    monkeypatch.setattr("os.access", lambda path, mode: False)  # as a superuser, tests may write everywhere
    with pytest.raises(inb.ConfigurationError, match="cannot be written to; set the environment variable"):
        state_folder()


@pytest.mark.parametrize("kind", ["nfs4", "CIFS", "9p", "fuse.sshfs"])
def test_a_network_file_system_is_warned_of_once(chosen: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    mount(monkeypatch, ("/", "ext4"), (chosen.parents[1], kind))
    with pytest.warns(StateWarning, match=rf"network file system \({kind.lower()}\).*set the environment variable"):
        state_folder()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state_folder()


@pytest.mark.parametrize("kind", ["ext4", "tmpfs", "fuse.gocryptfs"])
def test_a_local_disk_below_a_network_one_is_not(chosen: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    mount(monkeypatch, ("/", "nfs"), (chosen.parents[1], kind))
    state_folder()


def test_where_the_file_systems_cannot_be_listed_nothing_is_said(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(all: bool) -> None:
        raise PermissionError

    monkeypatch.setattr(psutil, "disk_partitions", refuse)
    state_folder()
