"""Work on threads, in order, with only so much of it begun that memory stays flat."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["in_order", "result_of"]

MOST_WORKERS = 8
PATIENCE = 0.2

T = TypeVar("T")
R = TypeVar("R")


def in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield `function` of each item, worked out on threads a few items ahead of the one that is taken.

    The items are drawn by the caller's thread. An error among them comes behind the results of those before it.
    """
    workers = min(pa.cpu_count(), MOST_WORKERS)
    waiting: deque[Future[R]] = deque()
    failure: Exception | None = None
    remaining = iter(items)
    with ThreadPoolExecutor(workers, thread_name_prefix="intempt-rows") as pool:
        while failure is None:
            try:
                waiting.append(pool.submit(function, next(remaining)))
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001  (raised below, in its place)
                failure = error
            if len(waiting) > workers:
                yield result_of(waiting.popleft())
        while waiting:
            yield result_of(waiting.popleft())
    if failure is not None:
        raise failure


def result_of(future: Future[R]) -> R:
    """Return a future's result, with a wait that Ctrl-C ends.

    It does not end a wait without a time limit once a library such as polars is imported, which has the system go on
    with what a signal interrupts.
    """
    while True:
        try:
            return future.result(PATIENCE)
        except TimeoutError:
            if future.done():  # it has just come, or it is the function's own
                return future.result()
