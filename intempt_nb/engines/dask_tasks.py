"""An upload as dask tasks: one for each partition, which reads it and sends it, and whose result is small."""

from __future__ import annotations

import glob
import hashlib
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.files import file_digest
from intempt_nb.codecs.rows.tabular import is_csv, is_known, known_suffixes, open_tabular
from intempt_nb.display import shorten
from intempt_nb.engines.partitions import carry_out
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    from dask.delayed import Delayed

    from intempt_nb.engines.outcomes import Outcome
    from intempt_nb.engines.partitions import Order

__all__ = ["Files", "Frame", "source_of"]


@dataclass(frozen=True, slots=True)
class Frame:
    """The partitions of a dask DataFrame.

    Parameters
    ----------
    frame
        It.
    """

    frame: Any
    whole_files = False
    name = None

    @property
    def sample(self) -> Any:
        """An empty DataFrame with its columns."""
        from dask.dataframe.dispatch import make_meta

        return make_meta(self.frame)

    def origin(self, number: int) -> str:
        """Return what a partition is called."""
        return _origin(number)

    def tasks(self, order: Order) -> list[Delayed]:
        """Return a task for each partition, by number; what they are divided into is the same each time."""
        from dask.dataframe import map_partitions

        # Sending is one more step of reading: dask makes one task of both, and no partition waits in memory.
        sent = map_partitions(
            _Send(order),
            self.frame,
            meta=self.sample,
            enforce_metadata=False,
            clear_divisions=True,
            token="intempt-upload",  # noqa: S106  (the name of the tasks)
        )
        delayed: list[Delayed] = sent.to_delayed()
        return delayed


@dataclass(frozen=True, slots=True)
class _Send:
    order: Order

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "intempt-upload", self.order.call  # what was sent once is no result for another call

    def __call__(self, rows: Any, partition_info: dict[str, Any]) -> Outcome:
        number = partition_info["number"]
        return carry_out(self.order, number, _origin(number), rows)


def _origin(number: int) -> str:
    return f"partition {number}"


@dataclass(frozen=True, slots=True)
class Files:
    """Files, each of them a partition.

    Parameters
    ----------
    paths
        Absolute.
    """

    paths: tuple[Path, ...]
    whole_files = True

    @property
    def name(self) -> str:
        """What tells these files, as they are now, from others."""
        known = [(str(each), _stamp(each)) for each in self.paths]
        return hashlib.sha256(repr(known).encode()).hexdigest()[:32]

    @property
    def sample(self) -> Path:
        """The first of them."""
        return self.paths[0]

    def origin(self, number: int) -> str:
        """Return what a partition is called."""
        return str(self.paths[number])

    def tasks(self, order: Order) -> list[Delayed]:
        """Return a task for each file."""
        from dask._task_spec import Task
        from dask.delayed import Delayed

        keys = [(f"intempt-upload-{order.call}", number) for number in range(len(self.paths))]
        return [
            Delayed(key, {key: Task(key, carry_out, order, number, self.origin(number), path)})
            for number, (key, path) in enumerate(zip(keys, self.paths, strict=True))
        ]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:  # its partition will say so
        return None
    return stat.st_size, stat.st_mtime_ns


def source_of(source: Any, csv: CsvOptions) -> Frame | Files:
    """Return what a source is divided into; `csv` is how files of that kind are read.

    Raises
    ------
    DataError
        If it is neither a dask DataFrame nor files, or there are no such files, or two have the same content.
    """
    from dask.dataframe import DataFrame

    if isinstance(source, DataFrame):
        return Frame(source)
    if isinstance(source, list | tuple):
        found = [path for each in source for path in _matching(each)]
    else:
        found = list(_matching(source))
    if not found:
        raise DataError("the list of files is empty")
    once = tuple({path.parent.resolve() / path.name: path for path in found}.values())
    copies = dict(_copies(once))
    for path, other in copies.items():
        _require_empty(path, other, csv)
    return Files(tuple(path for path in once if path not in copies))


def _copies(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield copies, each with the file that it is a copy of; only those of the same size are read for that."""
    by_size = defaultdict[int, list[Path]](list)
    for path in paths:
        by_size[path.stat().st_size].append(path)
    by_size.pop(0, None)  # of no kind: each fails for that
    for alike in by_size.values():
        seen = dict[str, Path]()
        for path in alike if len(alike) > 1 else ():
            other = seen.setdefault(file_digest(path), path)
            if other != path:
                yield path, other


def _require_empty(path: Path, other: Path, csv: CsvOptions) -> None:
    """Refuse a file's copy if it has rows: an upload goes by the content, so that the two would be one, at once."""
    try:
        opened = open_tabular(path, **asdict(csv if is_csv(path) else CsvOptions()))
        has_rows = any(len(block.batch) for block in opened.blocks())
    except DataError:
        has_rows = True
    if has_rows:
        raise DataError(
            f"{other} and {path} have the same content, and an upload goes by that: give one of them. If its rows are "
            "to be there twice, give them keys that differ, in a column of the files"
        )


def _matching(pattern: str | PathLike[str] | Any) -> Sequence[Path]:
    """Return the files of a pattern, in order of their names."""
    if not isinstance(pattern, str | Path):
        raise DataError(
            f"rows cannot be read from {type(pattern).__name__}; expected a dask DataFrame, a pattern of files' paths, "
            "or a list of such. What one machine holds goes with collection.upload(…)"
        )
    text = str(pattern)
    if "://" in text:
        raise DataError(
            f"{shorten(text, 300)!r} is no path of this machine. dask reads it: "
            "inb.engines.dask.upload(dask.dataframe.read_parquet(…), collection), or read_csv"
        )
    paths = [Path(each).absolute() for each in sorted(glob.glob(text, recursive=True)) if not Path(each).is_dir()]
    if not paths:
        raise DataError(f"there is no file {shorten(text, 300)!r}, seen from {Path.cwd()}; ** is any number of folders")
    for each in paths:
        if not is_known(each):
            raise DataError(
                f"{each} does not end in a known suffix ({', '.join(known_suffixes())}); narrow the pattern"
            )
    return paths
