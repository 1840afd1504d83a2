"""`Panel`: what all widgets share.

Python is the truth. A panel shows ``state``, one JSON object that is made anew by :meth:`Panel._view` and sent whole;
the browser draws it and sends *actions*, which methods named ``_do_<action>`` carry out. Nothing else goes either way,
so that what is shown in two places, or again after a reload, is always the same.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from functools import cache
from importlib.resources import files
from threading import RLock, Thread, current_thread
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from intempt_nb.errors import IntemptError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Panel", "assets"]

MOST_VIEWS = 50
"""Views whose last action is remembered; each display of a panel is one."""

_log = logging.getLogger(__name__)


@cache
def assets(*names: str) -> tuple[str, str]:
    """Return the ES module and the style sheet of a panel: the common part, then its own; one text each, no imports."""
    folder = files("intempt_nb.widgets") / "static"

    def joined(kind: str) -> str:
        parts = [folder / f"{name}.{kind}" for name in ("common", *names)]
        return "\n".join(part.read_text(encoding="utf-8") for part in parts if part.is_file())

    return joined("js"), joined("css")


class Panel(anywidget.AnyWidget):
    """A widget whose state lives in Python.

    A subclass has ``_esm, _css = assets("…")`` and the methods ``_view`` and ``_do_…``. Actions come one at a time,
    from whichever thread the kernel takes; the lock is held while they run. What takes longer than a moment goes to
    :meth:`_run`.
    """

    state: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self._lock = RLock()
        self._acks: dict[str, int] = {}
        self._focus: dict[str, Any] | None = None
        self._notice: dict[str, str] | None = None
        self._busy: str | None = None
        self._worker: Thread | None = None
        self.on_msg(self._receive)

    @abstractmethod
    def _view(self) -> Mapping[str, Any]:
        """Return what is shown, as JSON; called with the lock held."""

    def _receive(self, _: object, message: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        """Carry out an action of the browser; a nudge only sees that what was sent before it is not slept through."""
        if message.get("action") == "nudge":
            return
        with self._lock:
            self._acknowledge(message)
            action = getattr(self, f"_do_{message.get('action')}", None)
            if action is None:
                self._tell("error", f"there is no action {message.get('action')!r}")
            else:
                arguments = {name: value for name, value in message.items() if name not in ("action", "view", "seq")}
                self._guarded(lambda: action(**arguments, **({"buffers": buffers} if buffers else {})))
            self._publish()

    def _acknowledge(self, message: Mapping[str, Any]) -> None:
        view = str(message.get("view"))
        self._acks.pop(view, None)
        self._acks[view] = int(message.get("seq", 0))
        if len(self._acks) > MOST_VIEWS:
            del self._acks[next(iter(self._acks))]
        self._focus = None
        self._notice = None

    def _guarded(self, step: Callable[[], None]) -> None:
        """Take a step; what goes wrong is told to the person in front of the panel, who would see no traceback."""
        try:
            step()
        except IntemptError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001  # an error in a message handler would vanish in the kernel's log
            _log.exception("an action of a panel failed")
            self._tell("error", f"{type(error).__name__}: {error}")

    def _fail(self, error: IntemptError) -> None:
        """Tell of an error where it belongs; here: below the panel's head."""
        self._tell("error", "\n".join([str(error), *getattr(error, "__notes__", ())]))

    def _tell(self, kind: str, text: str) -> None:
        """Show a message until the next action: ``"error"``, ``"warning"`` or ``"success"``."""
        self._notice = {"kind": kind, "text": text}

    def _point(self, key: str) -> None:
        """Put the focus, in the view that acted, on the control with this ``data-k``."""
        view = next(reversed(self._acks), None)
        self._focus = None if view is None else {"view": view, "seq": self._acks[view], "key": key}

    def _publish(self) -> None:
        """Send what is shown now."""
        with self._lock:
            common = {"acks": dict(self._acks), "focus": self._focus, "notice": self._notice, "busy": self._busy}
            self.state = {**self._view(), **common}

    def _run(self, label: str, work: Callable[[], Callable[[], None]]) -> None:
        """Do on a thread what takes longer, so that the kernel stays free; one at a time.

        Parameters
        ----------
        label
            What is shown meanwhile: "Reading flights.csv".
        work
            What to do, without the lock. It returns what is then done with the lock held.
        """
        if self._worker is not None and self._worker.is_alive() and self._worker is not current_thread():
            self._tell("warning", f"{self._busy}: wait until this is done")
            return
        self._busy = label
        self._worker = Thread(target=self._work, args=(work,), name=f"intempt-nb {label}", daemon=True)
        self._worker.start()

    def _work(self, work: Callable[[], Callable[[], None]]) -> None:
        done: list[Callable[[], None]] = []
        self._guarded(lambda: done.append(work()))
        with self._lock:
            self._busy = None
            for step in done:
                self._guarded(step)
            self._publish()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until what runs in the background is done.

        Parameters
        ----------
        timeout
            Seconds; None for as long as it takes.

        Raises
        ------
        TimeoutError
            If it is not done by then.
        """
        worker = self._worker
        if worker is not None:
            worker.join(timeout)
            if worker.is_alive():
                raise TimeoutError(f"{self._busy}: not done after {timeout} seconds")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
