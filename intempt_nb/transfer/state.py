"""Where uploads keep what they know: a folder of this user on this machine."""

from __future__ import annotations

import os
import warnings
from functools import cache
from pathlib import Path
from typing import Final

from intempt_nb.errors import ConfigurationError

__all__ = ["STATE_VARIABLE", "StateWarning", "state_folder"]

STATE_VARIABLE: Final = "INTEMPT_NB_STATE"

_NETWORK = frozenset(
    {
        "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs",
        "gpfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs", "panfs",
        "pvfs2", "smb", "smb2", "smb3", "smbfs", "vboxsf", "webdav",
    }
)  # fmt: skip
_LOCAL_FUSE = ("fuse.encfs", "fuse.fuse-overlayfs", "fuse.gocryptfs", "fuse.ntfs", "fuse.ntfs-3g", "fuse.portal")


class StateWarning(UserWarning):
    """The state folder is where a journal is not safe."""


def state_folder() -> Path:
    """Return the folder for journals, copies of rows and the pace of requests; made if it is not there.

    It is what the environment variable ``INTEMPT_NB_STATE`` says, else the user's own folder for the state of programs.

    Raises
    ------
    ConfigurationError
        If it cannot be made or written.

    Warns
    -----
    StateWarning
        Once, if it lies on a network file system, where locks and flushed writes may not be what they promise.
    """
    chosen = os.environ.get(STATE_VARIABLE, "").strip()
    folder = Path(chosen).expanduser().absolute() if chosen else _user_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise ConfigurationError(f"{_named(folder)} cannot be made ({error.strerror}); {_ADVICE}") from None
    if not writable:
        raise ConfigurationError(f"{_named(folder)} cannot be written to; {_ADVICE}")
    _warn_of_network(folder.resolve())
    return folder


_ADVICE = f"set the environment variable {STATE_VARIABLE} to a folder on a local disk that you can write to"


def _user_folder() -> Path:
    import platformdirs

    return platformdirs.user_state_path("intempt_nb", appauthor=False)


def _named(folder: Path) -> str:
    return f"the folder {folder}, in which uploads keep what was sent,"


@cache
def _warn_of_network(folder: Path) -> None:
    kind = _file_system(folder)
    if kind in _NETWORK or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE):
        message = (
            f"{_named(folder)} is on a network file system ({kind}), where locks and flushed writes cannot be relied "
            f"on; {_ADVICE}"
        )
        warnings.warn(message, StateWarning, stacklevel=3)


def _file_system(folder: Path) -> str:
    """Return the kind of file system that a folder is on, in lower case; empty if it cannot be told."""
    import psutil

    try:
        mounted = {Path(each.mountpoint): each.fstype.lower() for each in psutil.disk_partitions(all=True)}
    except (OSError, psutil.Error):
        return ""
    return next((mounted[place] for place in (folder, *folder.parents) if place in mounted), "")
