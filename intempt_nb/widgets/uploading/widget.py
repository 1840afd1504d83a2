"""`UploadPanel`: rows into a collection by clicking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from intempt_nb.errors import IntemptError, UploadError, UploadInterrupted
from intempt_nb.transfer.resuming import run_of
from intempt_nb.transfer.runs import uploads
from intempt_nb.widgets.panel import assets
from intempt_nb.widgets.uploading.arrivals import release
from intempt_nb.widgets.uploading.code import collection_code, resume_code, upload_code
from intempt_nb.widgets.uploading.downloading import rejects_name
from intempt_nb.widgets.uploading.looking import LookingPanel
from intempt_nb.widgets.uploading.model import Settings, settings_of, source_of
from intempt_nb.widgets.uploading.picking import Picking
from intempt_nb.widgets.uploading.resuming import forget, name_of, run_view, unfinished
from intempt_nb.widgets.uploading.running import Running, begin, latest, put_away
from intempt_nb.widgets.uploading.showing import outcome_view, progress_view
from intempt_nb.widgets.uploading.wording import in_panel_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from intempt_nb.handles import CollectionHandle
    from intempt_nb.transfer.control import UploadControl
    from intempt_nb.transfer.report import UploadReport
    from intempt_nb.transfer.runs import UploadRun
    from intempt_nb.widgets.uploading.looking import Stage
    from intempt_nb.widgets.uploading.model import Source

__all__ = ["UploadPanel"]


class UploadPanel(LookingPanel):
    """A panel that uploads rows into a collection.

    It picks a file of the kernel's machine, one of the browser's, or a DataFrame of the notebook; shows the first rows
    and what is wrong with them; matches columns with fields; checks, uploads, pauses, goes on and cancels; and shows
    what was rejected, to be put right and sent again. The upload runs on a thread of its own. A panel that is made
    while one runs into the same collection shows that one, and uploads that were broken off are offered to be gone on
    with.

    Parameters
    ----------
    collection
        Where the rows go: ``client.collections["flights"]``.
    source
        Rows to begin with, as ``collection.upload`` takes them; None to pick them in the panel.

    Raises
    ------
    DataError
        If that is no collection.

    Examples
    --------
    >>> panel = inb.widgets.UploadPanel(flights, "flights.csv")
    >>> panel                # shows it
    >>> panel.report         # once it is through
    >>> print(panel.code)    # the same in Python
    """

    _esm, _css = assets("uploader")

    def __init__(self, collection: CollectionHandle, source: Any = None) -> None:
        super().__init__(collection)
        self._picking = Picking(self._place)
        self._unfinished: list[UploadRun] = []
        self._arrived: Path | None = None
        self._mended: UploadReport | None = None
        with self._lock:
            self._guarded(self._look_for_key)
            self._begin(source)
            self._publish()

    def _subject(self) -> str:
        return self._collection.name

    def _fail(self, error: IntemptError) -> None:
        self._tell("error", in_panel_words(str(error)))

    @property
    def code(self) -> str:
        """The Python that does what was clicked."""
        return collection_code(self._collection._transport, self._collection.record) + self._call()

    # What is shown.

    def _view(self) -> dict[str, Any]:
        common = {
            "collection": self._collection.name,
            "stage": self._stage,
            "code": self.code,
            "said": self._said,
            "retry": self._mended is not None,
            "source": None if self._source is None else self._source.name,
            "keyless": self._keyless,
        }
        return {**common, **_VIEWS[self._stage](self)}

    def _view_pick(self) -> dict[str, Any]:
        return {"pick": self._picking.view(), "unfinished": [run_view(each) for each in self._unfinished]}

    def _view_look(self) -> dict[str, Any]:
        checked = None if self._checked is None else outcome_view(self._checked)
        return {**self._looked_at(), "checked": checked, "blocked": self._blocked()}

    def _view_run(self) -> dict[str, Any]:
        assert self._running is not None  # noqa: S101  # what the stage means
        return {"progress": progress_view(self._running, self._rate)}

    def _view_done(self) -> dict[str, Any]:
        running = self._running
        assert running is not None  # noqa: S101  # what the stage means
        can_begin = self._source is not None and isinstance(running.error, IntemptError | UploadInterrupted)
        outcome = outcome_view(running, again=running.run is not None or can_begin)
        suggestion = "" if self._report is None else str(Path.cwd() / rejects_name(self._report))
        return {"outcome": {**outcome, "save": suggestion}}

    def _call(self) -> str:
        if self._stage in ("run", "done") and self._running is not None and not self._running.dry_run:
            return self._running.code
        if self._source is None:
            return ""
        if self._mended is not None and self._running is not None:
            return f"{self._running.code}report = report.retry({self._source.spoken()})\n"
        return upload_code(self._source.spoken(), self._arguments())

    def _arguments(self) -> dict[str, Any]:
        """Return keyword arguments of the upload; guesses are told too."""
        settings = self._settings
        if self._look is not None:
            settings = replace(settings, columns=self._look.preview.mapping)
        return settings.arguments()

    # Picking.

    def _begin(self, source: Any) -> None:
        running = latest(self._place)
        if running is not None and not running.ended:
            self._attach(running)
            return
        if running is not None and source is None:
            self._running = running
            self._ended(running)
            return
        self._guarded(self._look_around)
        if source is not None:
            self._guarded(lambda: self._choose(source_of(source)))

    def _look_around(self) -> None:
        self._unfinished = unfinished(self._place)
        self._picking.look()

    def _do_refresh(self) -> None:
        self._look_for_key()
        self._look_around()

    def _do_folder(self, name: str) -> None:
        self._picking.enter(name)
        self._point("path" if self._picking.view()["top"] else "folder:..")

    def _do_path(self, path: str) -> None:
        found = self._picking.go(path)
        if found is not None:
            self._choose(found)

    def _do_file(self, name: str) -> None:
        self._choose(self._picking.file(name))

    def _do_frame(self, name: str) -> None:
        self._choose(self._picking.frame(name))

    def _do_file_begin(self, name: str, size: int) -> None:
        self._require("pick")
        self._picking.begin(self._acting, name, size)
        self._point("upload:cancel")

    def _do_file_piece(self, offset: int, buffers: Sequence[memoryview] = ()) -> None:
        found = self._picking.take(self._acting, offset, buffers)
        if found is not None:
            self._choose(found)

    def _do_file_cancel(self) -> None:
        self._picking.cancel()
        self._point("upload")

    def _do_go_on(self, id: str) -> None:
        self._require("pick")
        self._picking.cancel()
        self._report = None
        self._launch(self._going_on(uploads().find(id)))

    def _going_on(self, upload: UploadRun, label: str = "", before: int = 0) -> Running:
        """Return what goes on with an upload, from the rows as they were when it began."""
        collection, workers = self._collection, self._settings.workers
        return Running(
            label or name_of(upload),
            lambda control: collection.resume_upload(upload, workers=workers, progress=False, control=control),
            code=resume_code(upload.id),
            run=upload.id,
            before=before,
        )

    def _do_forget(self, id: str) -> None:
        forget(uploads().find(id))
        self._look_around()
        self._point("stage:pick")

    def _choose(self, source: Source) -> None:
        self._require("pick")
        self._picking.cancel()
        self._drop()
        self._stage, self._source = "look", source
        self._settings, self._look, self._unread, self._problem, self._checked = Settings(), None, None, None, None
        if source.kind == "received":
            self._arrived = source.path
        if self._mended is None:
            self._read()

    def _drop(self) -> None:
        """Let go of a file that was received and not uploaded."""
        if self._arrived is not None:
            release(self._arrived)
        self._arrived = self._source = None

    def _do_back(self) -> None:
        if self._stage == "look":
            self._drop()
            self._stage = "pick"
        elif self._stage == "pick" and self._mended is not None:
            self._mended, self._stage = None, "done"
        self._guarded(self._look_around)

    # Checking and uploading.

    def _do_check(self) -> None:
        self._require_ready()
        self._checked = None
        running = self._made(dry_run=True)
        running.start()
        self._attach(running)

    def _do_start(self) -> None:
        self._require_ready()
        running = self._made()
        if self._mended is None:
            self._report = None
        self._launch(running)

    def _do_again(self) -> None:
        """Go on with an upload that ended early; one that did not begin is begun again."""
        self._require("done")
        former = self._running
        if former is None or former.run is None:
            self._launch(self._made())
        else:
            self._launch(self._going_on(uploads().find(former.run), former.label, former.before))

    def _require_ready(self) -> None:
        """Refuse to begin what cannot be uploaded; the browser's buttons are disabled then."""
        self._require_current()
        blocked = self._blocked() if self._mended is None else self._keyless
        if blocked is not None:
            raise UploadError(blocked)

    def _made(self, *, dry_run: bool = False) -> Running:
        source, mended, collection = self._source, self._mended, self._collection
        if source is None:
            raise UploadError("choose rows first")
        rows, arguments = source.rows(), self._arguments()

        def work(control: UploadControl) -> UploadReport:
            if mended is not None:
                return mended.retry(rows, control=control)
            return collection.upload(rows, dry_run=dry_run, control=control, progress=False, **arguments)

        expected = None if self._look is None else self._look.sample.expected
        before = 0 if mended is None else mended.accepted
        return Running(source.name, work, code=self._call(), dry_run=dry_run, expected=expected, before=before)

    def _launch(self, running: Running) -> None:
        begin(self._place, running)
        self._attach(running)

    def _attach(self, running: Running) -> None:
        self._stage = "run"
        super()._attach(running)

    def _ended(self, running: Running) -> None:
        self._said = str(outcome_view(running)["text"])
        if running.dry_run:
            self._checked, self._stage = running, "look"
            return
        self._stage, self._report = "done", running.report or self._report
        if running.report is not None:
            self._arrived = None
            path = running.report.letters.source.path
            if path is not None:  # a received file is kept for as long as its rows may be asked for
                finalize(running.report.letters, release, path)

    # What came of it.

    def _do_new(self) -> None:
        self._require("done")
        if self._running is not None:
            put_away(self._place, self._running)
        self._running = None
        self._drop()
        self._mended, self._stage, self._said = None, "pick", ""
        self._look_around()

    def _do_adjust(self) -> None:
        """Go back to how the rows are uploaded, and look at them as they are now."""
        self._require("done")
        former = self._running
        if self._source is None and former is not None and former.run is not None:  # another panel began it
            run = run_of(uploads().find(former.run))
            self._source, self._settings = source_of(run.path), settings_of(run)
        if self._source is None:
            self._stage = "pick"
            return
        self._stage, self._look, self._unread, self._checked = "look", None, None, None
        if self._mended is None:
            self._read()

    def _do_retry(self) -> None:
        self._require("done")
        self._mended, self._stage = self._report, "pick"
        self._look_around()


_VIEWS: dict[Stage, Callable[[UploadPanel], dict[str, Any]]] = {
    "pick": UploadPanel._view_pick,
    "look": UploadPanel._view_look,
    "run": UploadPanel._view_run,
    "done": UploadPanel._view_done,
}
