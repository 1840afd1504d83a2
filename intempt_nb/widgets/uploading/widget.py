"""`UploadPanel`: rows into a collection by clicking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import finalize

from intempt_nb.errors import IntemptError, NotFoundError, UploadError
from intempt_nb.transfer.runs import uploads
from intempt_nb.widgets.panel import assets
from intempt_nb.widgets.uploading.arrivals import release
from intempt_nb.widgets.uploading.code import client_code, upload_code
from intempt_nb.widgets.uploading.downloading import rejects_name
from intempt_nb.widgets.uploading.model import Settings, map_column, source_of
from intempt_nb.widgets.uploading.picking import Picking
from intempt_nb.widgets.uploading.resuming import forget, name_of, run_view, unfinished
from intempt_nb.widgets.uploading.running import Running, begin, latest, put_away
from intempt_nb.widgets.uploading.sampling import (
    fields_view,
    fitting,
    look_at,
    look_view,
    read_sample,
    settings_view,
)
from intempt_nb.widgets.uploading.showing import outcome_view, progress_view
from intempt_nb.widgets.uploading.watching import WatchingPanel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from intempt_nb.handles import CollectionHandle
    from intempt_nb.transfer.control import UploadControl
    from intempt_nb.transfer.report import UploadReport
    from intempt_nb.transfer.runs import UploadRun
    from intempt_nb.widgets.uploading.model import Source
    from intempt_nb.widgets.uploading.sampling import Look, Sample

__all__ = ["UploadPanel"]

Stage: TypeAlias = Literal["pick", "look", "run", "done"]


class UploadPanel(WatchingPanel):
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

    Examples
    --------
    >>> panel = inb.widgets.UploadPanel(flights, "flights.csv")
    >>> panel                # shows it
    >>> panel.report         # once it is through
    >>> print(panel.code)    # the same in Python
    """

    _esm, _css = assets("uploader")

    def __init__(self, collection: CollectionHandle, source: Any = None) -> None:
        super().__init__()
        self._collection = collection
        transport = collection._transport
        self._place = (transport.base_url, transport.org, collection.id)
        self._stage: Stage = "pick"
        self._picking = Picking(self._place)
        self._unfinished: list[UploadRun] = []
        self._source: Source | None = None
        self._key: tuple[str, ...] = ()
        self._look: Look | None = None
        self._settings = Settings()
        self._problem: tuple[str, str] | None = None
        self._arrived: Path | None = None
        self._checked: Running | None = None
        self._mended: UploadReport | None = None
        with self._lock:
            self._guarded(self._require_key)
            self._begin(source)
            self._publish()

    @property
    def code(self) -> str:
        """The Python that does what was clicked."""
        transport = self._collection._transport
        return client_code(transport.org, transport.base_url, self._collection.record) + self._call()

    # What is shown.

    def _view(self) -> dict[str, Any]:
        common = {
            "collection": self._collection.name,
            "stage": self._stage,
            "code": self.code,
            "said": self._said,
            "retry": self._mended is not None,
            "source": None if self._source is None else self._source.name,
        }
        return {**common, **_VIEWS[self._stage](self)}

    def _view_pick(self) -> dict[str, Any]:
        return {"pick": self._picking.view(), "unfinished": [run_view(each) for each in self._unfinished]}

    def _view_look(self) -> dict[str, Any]:
        assert self._source is not None  # noqa: S101  # what the stage means
        checked = None if self._checked is None else outcome_view(self._checked)
        return {
            "look": None if self._look is None else look_view(self._look, self._settings),
            "fields": fields_view(self._collection.schema),
            "settings": settings_view(self._settings, is_csv=self._source.is_csv, problem=self._problem),
            "checked": checked,
        }

    def _view_run(self) -> dict[str, Any]:
        assert self._running is not None  # noqa: S101  # what the stage means
        return {"progress": progress_view(self._running, self._rate)}

    def _view_done(self) -> dict[str, Any]:
        assert self._running is not None  # noqa: S101  # what the stage means
        outcome = outcome_view(self._running)
        suggestion = "" if self._report is None else str(Path.cwd() / rejects_name(self._report))
        return {"outcome": {**outcome, "again": outcome["again"] and self._source is not None, "save": suggestion}}

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

    def _require_key(self) -> None:
        try:
            self._key = tuple(field["name"] for field in self._collection.primary.schema_json["fields"])
        except NotFoundError as error:
            self._tell("warning", error.message)

    def _look_around(self) -> None:
        self._unfinished = unfinished(self._place)
        self._picking.look()

    def _do_refresh(self) -> None:
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
        self._picking.begin(name, size)

    def _do_file_piece(self, offset: int, buffers: Sequence[memoryview] = ()) -> None:
        found = self._picking.take(offset, buffers)
        if found is not None:
            self._choose(found)

    def _do_file_cancel(self) -> None:
        self._picking.cancel()

    def _do_go_on(self, id: str) -> None:
        self._require("pick")
        self._picking.cancel()
        upload = uploads().find(id)
        collection = self._collection
        self._launch(
            Running(
                name_of(upload),
                lambda control: collection.resume_upload(upload, progress=False, control=control),
                code=f"report = collection.resume_upload(inb.uploads().find({upload.id!r}))\n",
            )
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
        self._settings, self._look, self._problem, self._checked = Settings(), None, None, None
        if source.kind == "received":
            self._arrived = source.path
        if self._mended is None:
            self._read()

    def _drop(self) -> None:
        """Let go of a file that was received and not uploaded."""
        if self._arrived is not None:
            release(self._arrived)
        self._arrived = self._source = None

    # Looking at the rows, and saying how they are uploaded.

    def _read(self) -> None:
        source, csv = self._source, self._settings.csv()
        assert source is not None  # noqa: S101  # what the stage means
        label = f"Reading {source.name}"
        if self._busy == label:  # it will see that something else is wanted now
            return

        def work() -> Callable[[], None]:
            found: Sample | IntemptError
            try:
                found = read_sample(source, csv if source.is_csv else {})
            except IntemptError as error:
                found = error
            return lambda: self._have_read(source, csv, found)

        self._run(label, work)

    def _have_read(self, source: Source, csv: dict[str, Any], found: Sample | IntemptError) -> None:
        if self._source is not source or self._stage != "look":
            return
        if self._settings.csv() != csv:
            self._read()
        elif isinstance(found, IntemptError):
            self._look = None
            raise found
        else:
            self._settings = fitting(self._settings, found.head)
            self._look_at(found)

    def _look_at(self, sample: Sample) -> None:
        self._look = look_at(sample, self._collection.schema, self._key, self._settings)

    def _do_read(self) -> None:
        self._require("look")
        self._read()

    def _do_column(self, at: int, field: str) -> None:
        self._require("look")
        if self._look is not None:
            fed = {each.name: each.field for each in self._look.preview.columns}
            column = self._look.preview.columns[at].name
            self._set(replace(self._settings, columns=map_column(fed, self._settings.columns, column, field or None)))

    def _do_option(self, name: str, text: str) -> None:
        self._require("look")
        try:
            self._set(self._settings.with_text(name, text))
        except IntemptError as error:
            self._problem = (name, str(error))

    def _do_key_column(self, at: int, chosen: bool) -> None:
        self._require("look")
        if self._look is not None:
            column = self._look.preview.columns[at].name
            others = tuple(each for each in self._settings.key or () if each != column)
            self._set(replace(self._settings, key=(*others, column) if chosen else others))

    def _set(self, settings: Settings) -> None:
        again = settings.csv() != self._settings.csv()
        self._settings, self._problem, self._checked = settings, None, None
        if again:
            self._read()
        elif self._look is not None:
            self._look_at(self._look.sample)

    def _do_back(self) -> None:
        if self._stage == "look":
            self._drop()
            self._stage = "pick"
        elif self._stage == "pick" and self._mended is not None:
            self._mended, self._stage = None, "done"
        self._guarded(self._look_around)

    # Checking and uploading.

    def _do_check(self) -> None:
        self._require("look")
        running = self._made(dry_run=True)
        running.start()
        self._attach(running)

    def _do_start(self) -> None:
        self._require("look")
        self._launch(self._made())

    def _do_again(self) -> None:
        self._require("done")
        self._launch(self._made())

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
        return Running(source.name, work, code=self._call(), dry_run=dry_run, expected=expected)

    def _launch(self, running: Running) -> None:
        begin(self._place, running)
        if self._mended is None:
            self._report = None
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
        """Go back from an upload that could not begin to how it was to be."""
        self._require("done")
        self._stage = "pick" if self._source is None else "look"

    def _do_retry(self) -> None:
        self._require("done")
        self._mended, self._stage = self._report, "pick"
        self._look_around()

    def _require(self, stage: Stage) -> None:
        """Refuse what another view of this panel has overtaken."""
        if self._stage != stage:
            raise UploadError("the panel shows something else by now; look at it again")


_VIEWS: dict[Stage, Callable[[UploadPanel], dict[str, Any]]] = {
    "pick": UploadPanel._view_pick,
    "look": UploadPanel._view_look,
    "run": UploadPanel._view_run,
    "done": UploadPanel._view_done,
}
