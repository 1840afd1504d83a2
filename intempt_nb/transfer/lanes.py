"""Work in lanes: what is put into a lane is done in order, one at a time; several lanes are worked on at once."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Lanes"]

WAITING = 256
WAITING_BYTES = 32 << 20
"""Work is taken in up to here, so that the workers have some while the next block is read and encoded."""

T = TypeVar("T")

_LOOK = 0.2
"""Seconds between two looks at the condition: some libraries keep a signal from ending a wait without a time."""


class Lanes(Generic[T]):
    """Threads that do what is put into lanes, until one of them fails or `stop` is set.

    A context manager: at its end without an error it waits for all that was put in. With an error, or an interruption,
    it waits for what is under way; a second interruption does not wait.

    Parameters
    ----------
    lanes
        How many there are.
    workers
        How many threads work on them.
    work
        Called with a lane and what was put into it, in threads.
    stop
        Set by the first failure; nothing is begun once it is set.
    draining
        Called at an interruption, with the number of lanes that are waited for.
    """

    def __init__(
        self,
        lanes: int,
        workers: int,
        work: Callable[[int, T], None],
        stop: threading.Event,
        draining: Callable[[int], None],
    ) -> None:
        self._work = work
        self._draining = draining
        self._stop = stop
        self._changed = threading.Condition()
        self._queues: list[deque[tuple[T, int]]] = [deque() for _ in range(lanes)]
        self._busy = [False] * lanes
        self._count = self._bytes = self._alive = 0
        self._ended = False
        self._failure: BaseException | None = None
        # Threads that a second interruption leaves behind must not keep the program from ending.
        self._threads = [
            threading.Thread(target=self._run, name=f"intempt-upload-{number}", daemon=True)
            for number in range(min(workers, lanes))
        ]

    def put(self, lane: int, piece: T, size: int) -> None:
        """Put a piece of so many bytes into a lane, once there is room; raise what a thread has failed with.

        Once `stop` is set there is no need for room: what is put in is not begun.
        """
        with self._changed:
            while self._failure is None and self._is_full() and not self._stop.is_set():
                self._changed.wait(_LOOK)
            self._raise_failure()
            self._queues[lane].append((piece, size))
            self._count += 1
            self._bytes += size
            self._changed.notify_all()

    def waiting(self, count: int | None = None) -> list[tuple[int, T]]:
        """Return what waits, a piece of each lane after the other, up to a number of pieces."""
        with self._changed:
            ranked = [
                (rank, lane, piece) for lane, each in enumerate(self._queues) for rank, (piece, _) in enumerate(each)
            ]
        ranked.sort(key=lambda each: each[:2])
        return [(lane, piece) for _, lane, piece in ranked[:count]]

    def __enter__(self) -> Self:
        try:
            with self._changed:
                for thread in self._threads:
                    thread.start()
                    self._alive += 1
        except BaseException:
            self._stop.set()  # there is no __exit__ then
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            if error is None:
                self._join()
        except KeyboardInterrupt:
            self._drain(say=True)
            raise
        if error is not None:
            self._drain(say=isinstance(error, KeyboardInterrupt))
        else:
            self._raise_failure()

    def _drain(self, say: bool) -> None:
        """Wait for what is under way, and begin nothing more."""
        self._stop.set()
        if say and any(self._busy):
            self._draining(sum(self._busy))
        self._join()

    def _join(self) -> None:
        # An interruption of Thread.join may leave a thread for dead that is not.
        with self._changed:
            while self._alive:
                self._changed.wait(_LOOK)

    def _is_full(self) -> bool:
        enough = self._count > 2 * len(self._threads)
        return enough and (self._count > WAITING or self._bytes > WAITING_BYTES)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        self._work_on()
        with self._changed:
            self._alive -= 1
            self._changed.notify_all()

    def _work_on(self) -> None:
        while (taken := self._take()) is not None:
            lane, piece = taken
            try:
                self._work(lane, piece)
            except BaseException as error:  # noqa: BLE001  (raised again where pieces are put in)
                self._stop.set()
                with self._changed:
                    self._failure = self._failure or error
            with self._changed:
                self._busy[lane] = False
                self._changed.notify_all()

    def _take(self) -> tuple[int, T] | None:
        """Return the next piece of a lane that nobody works on, the fullest; None at the end."""
        with self._changed:
            while not self._stop.is_set():
                free = [lane for lane, queue in enumerate(self._queues) if queue and not self._busy[lane]]
                if free:
                    lane = max(free, key=lambda each: len(self._queues[each]))
                    piece, size = self._queues[lane].popleft()
                    self._busy[lane] = True
                    self._count -= 1
                    self._bytes -= size
                    self._changed.notify_all()
                    return lane, piece
                if self._ended and not any(self._queues):
                    break
                self._changed.wait(_LOOK)
            return None
