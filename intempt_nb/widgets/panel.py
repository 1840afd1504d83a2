"""`Panel`: what all widgets share.

Python is the truth. A panel shows ``state``, one JSON object that is made anew by :meth:`Panel._view` and sent whole;
the browser draws it and sends *actions*, which methods named ``_do_<action>`` carry out. Nothing else goes either way,
so that what is shown in two places, or again after a reload, is always the same.
"""

from __future__ import annotations

import json
import logging
import time
from abc import abstractmethod
from functools import cache, partial
from importlib.resources import files
from threading import RLock, Thread, current_thread
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from intempt_nb.display import shorten
from intempt_nb.errors import DataError, IntemptError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Panel", "assets"]

MOST_VIEWS = 50
"""Views whose last action is remembered; each display of a panel is one."""

LONGEST_ID = 80
"""Characters of a view's id."""

_log = logging.getLogger(__name__)


@cache
def assets(*names: str) -> tuple[str, str]:
    """Return the ES module and the style sheet of a panel: the common part, then its own; one text each, no imports."""
    folder = files("intempt_nb.widgets") / "static"

    def joined(kind: str) -> str:
        parts = [folder / f"{name}.{kind}" for name in ("common", "controls", *names)]
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
        self._shown: dict[str, Any] = {}
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
        """Carry out an action of the browser, which sends it again until the state says that it was.

        Kernels lose messages (ipykernel#1557) and sleep through them (ipykernel#1554). So an action that has come
        before does nothing, nor does one whose predecessor has not: both come once more, in order.
        """
        with self._lock:
            if not self._is_out_of_turn(message):
                self._guarded(lambda: self._carry_out(message, buffers))
            self._publish()

    def _is_out_of_turn(self, message: Mapping[str, Any]) -> bool:
        seq = message.get("seq")
        before = self._acks.get(shorten(message.get("view"), LONGEST_ID))
        if before is None and len(self._acks) < MOST_VIEWS:
            before = 0
        # What is no number is refused later; a view that was forgotten may go on.
        return isinstance(seq, int) and before is not None and seq != before + 1

    def _carry_out(self, message: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        self._focus = self._notice = None
        self._acknowledge(shorten(message.get("view"), LONGEST_ID), message.get("seq"))
        _refuse_unsendable(message)
        action = getattr(self, f"_do_{message.get('action')}", None)
        if action is None:
            raise DataError(f"there is no action {message.get('action')!r}")
        arguments = {name: value for name, value in message.items() if name not in ("action", "view", "seq")}
        action(**arguments, **({"buffers": buffers} if buffers else {}))

    def _acknowledge(self, view: str, seq: Any) -> None:
        if not isinstance(seq, int):
            raise DataError(f"{shorten(repr(seq))} is no number of an action")
        self._acks.pop(view, None)  # put last: the view that acts
        self._acks[view] = seq
        if len(self._acks) > MOST_VIEWS:
            del self._acks[next(iter(self._acks))]

    @property
    def _acting(self) -> str:
        """The view whose action is carried out, or was last."""
        return next(reversed(self._acks), "")

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
        if self._acks:
            self._focus = {"view": self._acting, "seq": self._acks[self._acting], "key": key}

    def _publish(self) -> None:
        """Send what is shown now; a panel that cannot be drawn any more shows what it did, and why."""
        with self._lock:
            try:
                self._shown = dict(self._view())
            except Exception as error:
                if not self._shown:  # not even once: an error of the one who makes it
                    raise
                _log.exception("a panel cannot be drawn")
                self._tell("error", f"This panel cannot show what it has now. {type(error).__name__}: {error}")
            common = {"acks": dict(self._acks), "focus": self._focus, "notice": self._notice, "busy": self._busy}
            self.state = {**self._shown, **common}

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
        worker = Thread(target=self._work, args=(work,), name=f"intempt-nb {label}", daemon=True)
        worker.start()
        self._worker = worker  # not before it is alive, or those who wait would take it for done

    def _work(self, work: Callable[[], Callable[[], None]]) -> None:
        try:
            done = work()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told with the lock held, so that it stays
            done = partial(_raise, error)
        with self._lock:
            self._busy = None
            self._guarded(done)
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
        end = None if timeout is None else time.monotonic() + timeout
        while (worker := self._worker) is not None and worker.is_alive():  # one may start the next
            worker.join(None if end is None else max(end - time.monotonic(), 0.0))
            if end is not None and worker.is_alive() and time.monotonic() >= end:
                raise TimeoutError(f"{self._busy}: not done after {timeout} seconds")

    def _subject(self) -> str:
        """Return what the panel is about, such as the name of a collection; empty for nothing."""
        return ""

    def __repr__(self) -> str:
        subject = shorten(self._subject())
        return f"<{type(self).__name__}{f' of {subject}' if subject else ''}: shows itself in a notebook>"


def _refuse_unsendable(message: Mapping[str, Any]) -> None:
    """Raise for what could not be sent back: half a character, NaN."""
    try:
        json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        reason = "half a character" if isinstance(error, UnicodeEncodeError) else "a number that is none"
        raise DataError(f"this cannot be used: it has {reason} in it. Nothing was changed") from None


def _raise(error: Exception) -> None:
    raise error
