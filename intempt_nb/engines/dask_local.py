"""Tasks on this machine: by dask's schedulers of threads, of processes, or of neither."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.engines.desk import LOOPBACK
from intempt_nb.engines.outcomes import Outcome, failed
from intempt_nb.engines.partitions import noted, stopped
from intempt_nb.errors import UploadInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from dask.delayed import Delayed

    from intempt_nb.engines.places import Place

__all__ = ["Local"]


@dataclass(frozen=True, slots=True)
class Local:
    """One of dask's schedulers.

    Parameters
    ----------
    get
        What runs a graph of tasks.
    """

    get: Callable[..., Any]

    @property
    def is_apart(self) -> bool:
        """Whether partitions are uploaded by other processes than this one."""
        from dask import multiprocessing

        return self.get is multiprocessing.get

    @property
    def host(self) -> str:
        """Where this process is reached."""
        return LOOPBACK

    @property
    def processes(self) -> int:
        """How many processes send."""
        from dask import config
        from dask.system import CPU_COUNT

        return int(config.get("num_workers", None) or CPU_COUNT) if self.is_apart else 1

    def check(self, place: Place) -> None:
        """Raise `ConfigurationError` if the processes will have no API key, which is that of this one's environment."""
        if self.is_apart:
            place.require_key()

    def run(
        self,
        tasks: Mapping[int, Delayed],
        call: str,
        origin: Callable[[int], str],
        found: dict[int, Outcome | str],
        *,
        shown: bool,
    ) -> None:
        """Run tasks.

        Parameters
        ----------
        tasks
            By the number of the partition.
        call
            Of their `Order`.
        origin
            What a partition is called.
        found
            Takes what became of each: the outcome, or why there is none.
        shown
            Whether to show a bar.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C; requests under way were waited for, and partitions that other processes are at.
        """
        numbers = {task.key: number for number, task in tasks.items()}
        running = set[int]()

        def before(key: Any, *_: Any) -> None:
            if key in numbers:
                running.add(numbers[key])

        def after(key: Any, result: Any, *_: Any) -> None:
            if key in numbers:
                running.discard(numbers[key])
                found[numbers[key]] = result.text if isinstance(result, _Broken) else result

        try:
            with noted(call), _watching(before, after), _bar(shown), _stopping(call, found):
                # A worker of several is given one partition at a time.
                self.get(_guarded(tasks), list(numbers), chunksize=1, optimize_graph=False)
        except UploadInterrupted as error:  # in this thread, which does one at a time
            found.update({number: failed(error, number, origin(number), 0.0) for number in running})
            raise
        except Exception as error:  # noqa: BLE001  (a process that died ends the pool)
            found.update(dict.fromkeys(tasks.keys() - found.keys(), _text(error)))


@contextmanager
def _stopping(call: str, found: dict[int, Outcome | str]) -> Iterator[None]:
    """After Ctrl-C, end what threads of this process are at, and take what they brought."""
    try:
        yield
    except UploadInterrupted:  # in this thread, which does one at a time
        raise
    except KeyboardInterrupt:
        found.update({each.number: each for each in stopped(call)})
        raise


def _watching(before: Callable[..., None], after: Callable[..., None]) -> AbstractContextManager[Any]:
    from dask.callbacks import Callback

    watching: AbstractContextManager[Any] = Callback(pretask=before, posttask=after)
    return watching


def _bar(shown: bool) -> AbstractContextManager[Any]:
    from dask.diagnostics.progress import ProgressBar

    out = sys.stderr if sys.stderr.isatty() else sys.stdout  # a notebook shows the former in red
    return ProgressBar(out=out) if shown else nullcontext()


def _guarded(tasks: Mapping[int, Delayed]) -> dict[Any, Any]:
    """Return the graph of tasks in which an error reaches those that need the result, and nobody else."""
    from dask._task_spec import Task, TaskRef, convert_legacy_graph
    from dask.optimization import cull

    graphs = {id(each.dask): each.dask for each in tasks.values()}  # most often it is one and the same
    graph = convert_legacy_graph({key: task for each in graphs.values() for key, task in dict(each).items()})
    needed, _ = cull(graph, [each.key for each in tasks.values()])
    return {
        key: Task(key, _Step(task, tuple(task.dependencies)), *map(TaskRef, task.dependencies))
        if isinstance(task, Task)
        else task
        for key, task in needed.items()
    }


@dataclass(frozen=True, slots=True)
class _Broken:
    """The result of a task that raised, and of those that need it."""

    text: str


@dataclass(frozen=True, slots=True)
class _Step:
    """A task whose error is its result: raised, it would end all others as well.

    Parameters
    ----------
    task
        Of dask's graph.
    needed
        The keys of what it is given.
    """

    task: Any
    needed: tuple[Any, ...]

    def __call__(self, *values: Any) -> Any:
        broken = next((each for each in values if isinstance(each, _Broken)), None)
        if broken is not None:
            return broken
        try:
            return self.task(dict(zip(self.needed, values, strict=True)))
        except Exception as error:  # noqa: BLE001  (of whatever makes the rows)
            return _Broken(_text(error))


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {shorten(str(error), 500)}"
