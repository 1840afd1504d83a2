"""The part of the panel that watches an upload, from a thread, and tells the browser of it at a bearable pace."""

from __future__ import annotations

import time
from abc import abstractmethod
from threading import Thread
from typing import TYPE_CHECKING

from intempt_nb.widgets.uploading.delivering import ReportPanel
from intempt_nb.widgets.uploading.running import Rate
from intempt_nb.widgets.uploading.showing import progress_view

if TYPE_CHECKING:
    from intempt_nb.transfer.control import UploadControl
    from intempt_nb.widgets.uploading.running import Running

__all__ = ["WatchingPanel"]

LOOK_SECONDS = 0.25
"""Between two looks at an upload that runs: four messages a second at most."""

SAY_SECONDS = 5.0
"""Between two words to a screen reader about it."""


class WatchingPanel(ReportPanel):
    """A panel that shows an upload until it is over."""

    def __init__(self) -> None:
        super().__init__()
        self._running: Running | None = None
        self._rate = Rate()
        self._said = ""
        self._watcher: Thread | None = None

    @property
    def control(self) -> UploadControl | None:
        """Pauses, resumes and cancels what runs, and knows how far it is; None before."""
        return None if self._running is None else self._running.control

    def wait(self, timeout: float | None = None) -> None:
        """Wait until what runs in the background is done, the upload too.

        Parameters
        ----------
        timeout
            Seconds; None for as long as it takes.

        Raises
        ------
        TimeoutError
            If it is not done by then.
        """
        end = None if timeout is None else time.monotonic() + timeout
        super().wait(timeout)
        watcher = self._watcher
        if watcher is not None:
            watcher.join(None if end is None else max(end - time.monotonic(), 0.0))
            if watcher.is_alive():
                raise TimeoutError(f"the upload is not done after {timeout} seconds")

    def _attach(self, running: Running) -> None:
        """Show an upload until it is over."""
        self._running, self._rate = running, Rate()
        self._said = f"Uploading {running.label}"
        watcher = Thread(target=self._watch, args=(running,), name="intempt-nb watch", daemon=True)
        watcher.start()
        self._watcher = watcher  # which lives by now, so that it can be waited for

    def _watch(self, running: Running) -> None:
        spoken = time.monotonic()
        while not running.wait(LOOK_SECONDS):
            if self.comm is None:  # the panel was closed: nobody looks, but its report is waited for
                continue
            with self._lock:
                if time.monotonic() - spoken >= SAY_SECONDS:
                    spoken, self._said = time.monotonic(), progress_view(running, self._rate)["said"]
                self._publish()
        with self._lock:
            self._guarded(lambda: self._ended(running))
            self._publish()

    @abstractmethod
    def _ended(self, running: Running) -> None:
        """Show what came of an upload; called with the lock held."""

    def _do_pause(self) -> None:
        if self.control is not None:
            self.control.pause()

    def _do_resume(self) -> None:
        if self.control is not None:
            self.control.resume()

    def _do_cancel(self) -> None:
        if self.control is not None:
            self.control.cancel()
