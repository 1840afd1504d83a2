"""Requests in the background, several at a time: a newer one of the same name takes the place of an older one."""

from __future__ import annotations

import logging
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from intempt_nb.errors import IntemptError

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

__all__ = ["Fetching"]

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Fetching:
    """What is being fetched.

    A panel's own ``_run`` does one thing at a time. Here a click need not wait for an answer that nobody wants any
    more: a request that was dropped runs out by itself, and what it brings is thrown away.

    Parameters
    ----------
    lock
        The panel's; it is held when a result is taken.
    changed
        Called with the lock held, after a result was taken.
    """

    def __init__(self, lock: RLock, changed: Callable[[], None]) -> None:
        self._idle = Condition(lock)
        self._changed = changed
        self._open: dict[str, tuple[object, str]] = {}
        self._waiter: Thread | None = None

    @property
    def label(self) -> str | None:
        """What is being done, in words; None for nothing."""
        return next((label for _, label in reversed(self._open.values())), None)

    def __contains__(self, name: str) -> bool:
        """Return whether something of that name is being fetched."""
        return name in self._open

    def relabel(self, name: str, label: str) -> None:
        """Say anew what is being done, if it still is."""
        if name in self._open:
            self._open[name] = self._open[name][0], label

    def start(
        self,
        name: str,
        label: str,
        work: Callable[[Callable[[], bool]], T],
        done: Callable[[T | None, str | None], None],
    ) -> Thread:
        """Begin to fetch; call it with the lock held.

        Parameters
        ----------
        name
            What was begun under the same name is dropped.
        label
            What is shown meanwhile.
        work
            What to do, without the lock. It is given a function that says whether the result is still wanted.
        done
            Takes what `work` returned, or None and what went wrong, with the lock held.

        Returns
        -------
        threading.Thread
            One that is alive as long as anything is being fetched.
        """
        ticket = object()
        self._open.pop(name, None)
        self._open[name] = ticket, label

        def is_wanted() -> bool:
            return self._open.get(name, (None,))[0] is ticket

        def run() -> None:
            result, problem = _outcome(lambda: work(is_wanted))
            with self._idle:
                if is_wanted():
                    del self._open[name]
                    done(result, problem)
                    self._changed()
                    self._idle.notify_all()

        Thread(target=run, name=f"intempt-nb {name}", daemon=True).start()
        if self._waiter is None:
            self._waiter = Thread(target=self._wait, name="intempt-nb explorer", daemon=True)
            self._waiter.start()
        return self._waiter

    def drop(self, *names: str) -> None:
        """Forget what is being fetched under these names; call it with the lock held."""
        for name in names:
            self._open.pop(name, None)
        self._idle.notify_all()

    def _wait(self) -> None:
        with self._idle:
            while self._open:
                self._idle.wait()
            self._waiter = None


def _outcome(work: Callable[[], Any]) -> tuple[Any, str | None]:
    """Return what a step gives, or what went wrong in words: nobody would see a traceback."""
    try:
        return work(), None
    except IntemptError as error:
        return None, "\n".join([str(error), *getattr(error, "__notes__", ())])
    except Exception as error:  # noqa: BLE001  # as above; the log has it whole
        _log.exception("a request of the explorer failed")
        return None, f"{type(error).__name__}: {error}"
