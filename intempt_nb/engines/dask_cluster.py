"""Tasks on a cluster, through the client of `distributed`."""

from __future__ import annotations

import time
import warnings
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.engines.desk import reachable_host
from intempt_nb.engines.outcomes import Outcome
from intempt_nb.engines.partitions import stop
from intempt_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dask.delayed import Delayed

    from intempt_nb.engines.places import Place

__all__ = ["Cluster"]

_POLL = 0.1
"""Seconds between two looks at what workers are at."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster.

    Parameters
    ----------
    client
        The `distributed.Client`.
    """

    client: Any
    is_apart = True

    @property
    def host(self) -> str:
        """Where the workers reach this process."""
        return reachable_host(self.client.scheduler.address)

    @property
    def processes(self) -> int:
        """How many processes send: the workers that are there now."""
        return max(1, len(self.client.nthreads()))

    def check(self, place: Place) -> None:
        """Raise `ConfigurationError` if a worker cannot upload: without an API key, or without this package."""
        answers = self.client.run(_fault, place, on_error="return")
        if not answers:
            warnings.warn("the cluster has no workers; the upload waits until it has some", stacklevel=4)
        # A worker that has gone meanwhile uploads nothing.
        faults = {each: answer for each, answer in answers.items() if not isinstance(answer, OSError | None)}
        if faults:
            worker, fault = next(iter(faults.items()))
            text = fault if isinstance(fault, str) else f"{type(fault).__name__}: {shorten(str(fault), 500)}"
            raise ConfigurationError(
                f"{len(faults):,} of {len(answers):,} workers cannot upload. The first, {worker}: {text}"
            )

    def run(
        self,
        tasks: Mapping[int, Delayed],
        call: str,
        origin: Callable[[int], str],
        found: dict[int, Outcome | str],
        *,
        shown: bool,
    ) -> None:
        """Run tasks; see :meth:`intempt_nb.engines.dask_local.Local.run`."""
        from distributed import as_completed

        futures = self.client.compute(list(tasks.values()))
        numbers = {future.key: number for future, number in zip(futures, tasks, strict=True)}
        # A result is fetched and let go of at once: what dies with a worker afterwards is not computed again.
        results = as_completed(futures, with_results=True, raise_errors=False)
        left = {future.key: future for future in futures}
        try:
            with closing(_Bar(futures, shown=shown)) as bar:
                try:
                    _take(results, left, numbers, found, bar)
                except KeyboardInterrupt:
                    self._end(left, call)
                    _take(results, left, numbers, found, bar)
                    raise
        finally:
            if left:
                self.client.cancel(list(left.values()))

    def _end(self, left: Mapping[Any, Any], call: str) -> None:
        """Have workers end the partitions that they are at, and let none begin."""
        self.client.run(stop, call, on_error="ignore")
        # Until none is left that a worker is at: the interrupt may have reached the workers, too, and ended them.
        while any(future.status == "pending" for future in left.values()):
            begun = {key for keys in self.client.processing().values() for key in keys}
            time.sleep(_POLL)  # what has ended since is not pending any more
            idle = [future for key, future in left.items() if future.status == "pending" and key not in begun]
            if idle:
                self.client.cancel(idle)


def _take(
    results: Any, left: dict[Any, Any], numbers: Mapping[Any, int], found: dict[int, Outcome | str], bar: _Bar
) -> None:
    """Take results as they come, until there are no more."""
    for future, result in results:
        left.pop(future.key)
        future.release()
        if isinstance(result, Outcome):
            found[numbers[future.key]] = result
        elif isinstance(result, tuple):
            _, error, _ = result
            found[numbers[future.key]] = f"{type(error).__name__}: {shorten(str(error), 500)}"
        bar.advance()


def _fault(place: Place) -> str | None:
    """Return why this process cannot upload; None if it can."""
    try:
        place.connect()
    except ConfigurationError as error:
        return str(error)
    return None


class _Bar:
    """The bar of `distributed` in a notebook; elsewhere it would not return before the end, and ours does."""

    def __init__(self, futures: list[Any], *, shown: bool) -> None:
        from distributed import progress
        from distributed.utils import is_kernel
        from tqdm.auto import tqdm

        in_notebook = shown and is_kernel()
        if in_notebook:
            from IPython.display import display

            display(progress(futures, notebook=True))
        self._own = tqdm(total=len(futures), unit=" partitions", disable=in_notebook or not shown)

    def advance(self) -> None:
        self._own.update()

    def close(self) -> None:
        self._own.close()
