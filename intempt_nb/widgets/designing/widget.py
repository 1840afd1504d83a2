"""`CollectionDesigner`: the widget, which hands each action to the rooms that know."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from intempt_nb.api.endpoints import get_collection
from intempt_nb.display import shorten
from intempt_nb.errors import ApiError, DataError
from intempt_nb.widgets.designing import edits
from intempt_nb.widgets.designing.draft import Draft, History
from intempt_nb.widgets.designing.files import read_file, to_text
from intempt_nb.widgets.designing.focusing import after_delete, after_step
from intempt_nb.widgets.designing.heads import headed, with_inferred
from intempt_nb.widgets.designing.known import Known, ask, same_definition
from intempt_nb.widgets.designing.model import Made, Model
from intempt_nb.widgets.designing.pasting import names_in
from intempt_nb.widgets.designing.problems import refusals_of
from intempt_nb.widgets.designing.sample import Sample, infer_from, open_sample
from intempt_nb.widgets.designing.starting import started
from intempt_nb.widgets.designing.view import missing_for_create, stale_text, view
from intempt_nb.widgets.namespace import frame_of, frames
from intempt_nb.widgets.panel import Panel, assets
from intempt_nb.widgets.receiving import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from intempt_nb.api.resources import Collection, CollectionKind
    from intempt_nb.client import Client
    from intempt_nb.errors import IntemptError
    from intempt_nb.handles import CollectionHandle, SourceHandle
    from intempt_nb.schema.schema import Schema

__all__ = ["CollectionDesigner"]


def _of_rows(action: Callable[..., None]) -> Callable[..., None]:
    """Return an action on rows; refused if they have moved since its view was drawn: a path may be another row's."""

    @wraps(action)
    def checked(panel: CollectionDesigner, *args: Any, structure: int | None = None, **named: Any) -> None:
        if structure in (None, panel._model.structure):
            action(panel, *args, **named)
        else:
            panel._tell("warning", "the fields have moved meanwhile; look again. Nothing was changed")

    return checked


class CollectionDesigner(Panel):
    """Defines a collection by clicking, and shows the Python that does the same.

    Parameters
    ----------
    where
        The source that the collection is to belong to, or a client, whose sources can then be chosen from. Or a
        collection, to change that.
    data
        What to infer the fields from at once: a path, a DataFrame, anything that ``infer_schema`` takes; of more than
        100,000 rows, from the first. With a `schema`, only its rows are shown as they would be stored.
    schema
        The schema to start with; it may have problems, which are shown.
    name, title
        Of the collection; None for what the schema or the data is called, and for no title.
    kind
        ``"profile"``, ``"event"`` or ``"attribute"``; None for the last, or for that of the collection to change.

    Raises
    ------
    DataError
        If the data cannot be read, or `where` is something else.
    SchemaError
        If the schema is no record that can be shown.
    ApiError, TransportError
        If the server cannot be asked.
    """

    _esm, _css = assets("designer_table", "designer")

    def __init__(
        self,
        where: SourceHandle | Client | CollectionHandle,
        data: Any = None,
        schema: Schema | Mapping[str, Any] | str | None = None,
        *,
        name: str | None = None,
        kind: CollectionKind | None = None,
        title: str | None = None,
    ) -> None:
        super().__init__()
        known = ask(where)
        draft = started(known, schema, name, kind, title)
        sample: Sample | None = None
        if data is not None and schema is None and known.edited is None:
            sample, document = infer_from(data, None, _record_name(draft))
            draft = with_inferred(draft, document)
        elif data is not None:
            sample = open_sample(data)
        self._begin(where, Model(History(draft), known, sample=sample))

    def _begin(self, where: SourceHandle | Client | CollectionHandle, model: Model) -> None:
        self._where = where
        self._model = model
        self._collection: CollectionHandle | None = None
        self._receiver = Receiver(self._received)
        self._folder: Path | None = None
        self._publish()

    @classmethod
    def from_file(
        cls, path: str | PathLike[str], where: SourceHandle | Client | CollectionHandle
    ) -> CollectionDesigner:
        """Return a designer that starts with what a file says.

        Parameters
        ----------
        path
            A file of :meth:`to_file`, or an Avro record schema (``.avsc``), whose name the collection then has.
        where
            As for the designer itself.

        Raises
        ------
        DataError, SchemaError
            If the file cannot be read, or says something else.
        """
        draft = read_file(Path(path))
        designer = cls(where)
        before = designer._model.draft
        designer._model = replace(designer._model, history=History(replace(draft, source_id=before.source_id)))
        designer._publish()
        return designer

    @property
    def schema(self) -> Schema:
        """The schema as it stands now.

        Raises
        ------
        SchemaError
            With all problems, if it cannot be used.
        """
        return self._model.draft.schema

    @property
    def collection(self) -> CollectionHandle | None:
        """The collection that was created or updated last; None before that."""
        return self._collection

    @property
    def code(self) -> str:
        """The Python that does what was clicked; it holds no key."""
        return self._model.code

    def to_file(self, path: str | PathLike[str]) -> None:
        """Write the definition to a file, as JSON: the body of the API's own request, without the source.

        Parameters
        ----------
        path
            The file; what is in it is replaced. What has problems can be written as well.
        """
        Path(path).write_text(to_text(self._model.draft), encoding="utf-8", newline="\n")

    def _view(self) -> Mapping[str, Any]:
        return view(self._model, frames(), self._receiver.shown())

    def _fail(self, error: IntemptError) -> None:
        refused = refusals_of(error, self._model.draft.rows) if isinstance(error, ApiError) else []
        with self._lock:
            if refused:
                self._model = replace(self._model, refused=tuple(refused))
            elif isinstance(error, ApiError):  # the request's method and path say nothing to the person
                self._tell("error", error.message)
            else:
                super()._fail(error)

    def _apply(self, draft: Draft) -> None:
        self._model = self._model.with_draft(draft)

    def _edit(self, document: Mapping[str, Any]) -> None:
        self._apply(self._model.draft.with_document(document))

    @property
    def _document(self) -> Mapping[str, Any]:
        return self._model.draft.document

    def _do_head(self, key: str, value: Any) -> None:
        ids = [each.id for each in self._model.known.sources]
        self._model = self._model.with_cell(headed(self._model.draft, key, value, ids))

    @_of_rows
    def _do_set(self, path: str, key: str, value: Any) -> None:
        document = edits.changed(self._document, path, key, value)
        self._model = self._model.with_cell(self._model.draft.with_document(document))

    @_of_rows
    def _do_add(self, into: str = "/fields", at: int | None = None) -> None:
        document, path = edits.added(self._document, into, at)
        self._edit(document)
        self._point(f"{path}:name")

    @_of_rows
    def _do_duplicate(self, path: str) -> None:
        document, copy = edits.duplicated(self._document, path)
        self._edit(document)
        self._point(f"{copy}:name")

    @_of_rows
    def _do_delete(self, path: str) -> None:
        self._edit(edits.deleted(self._document, path))
        self._point(after_delete(path, self._model.draft))

    @_of_rows
    def _do_move(self, path: str, by: int, key: str = "name") -> None:
        document, moved = edits.moved(self._document, path, by)
        self._edit(document)
        self._point(f"{moved}:{key}")

    @_of_rows
    def _do_paste(self, text: str, into: str = "/fields") -> None:
        names = names_in(text)
        if not names:
            raise DataError("there are no names in what was pasted; put one in each line, or separate them by commas")
        document, paths, there = edits.pasted(self._document, names, into)
        self._edit(document)
        if paths:
            self._point(f"{paths[0]}:name")
        if there:
            self._tell("warning", f"left out, as they are there already: {shorten(', '.join(there), 300)}")

    @_of_rows
    def _do_undo(self, key: str = "") -> None:
        self._step(self._model.history.undone(), key)

    @_of_rows
    def _do_redo(self, key: str = "") -> None:
        self._step(self._model.history.redone(), key)

    def _step(self, history: History, key: str) -> None:
        """Go to another step; the focus stays in the panel, or the next Ctrl+Z would be the notebook's."""
        self._model = self._model.with_history(history)
        there = after_step(key, history)
        if there is not None:
            self._point(there)

    def _do_tab(self, tab: str) -> None:
        self._model = self._model.with_tab(tab)

    def _do_text(self, text: str) -> None:
        self._apply(self._model.draft.with_text(text))

    def _do_compare(self, collection: str) -> None:
        self._model = replace(self._model.with_seen(), compared=collection)

    def _do_refresh(self) -> None:
        def work() -> Callable[[], None]:
            known = ask(self._where)
            return lambda: self._know(known)

        self._run("Asking for sources and collections", work)

    def _know(self, known: Known) -> None:
        if self._model.unseen is not None:  # the button that was pressed goes
            self._point("create")
        self._model = self._model.with_known(known)

    def _do_infer_path(self, path: str) -> None:
        if not path.strip():
            raise DataError("type the path of a file on the machine that the notebook runs on")
        found = Path(path.strip()).expanduser()
        record = _record_name(self._model.draft)
        self._infer(found.name, lambda: infer_from(found, None, record))

    def _do_infer_frame(self, name: str) -> None:
        frame, record = frame_of(name), _record_name(self._model.draft)
        self._infer(name, lambda: infer_from(frame, name, record))

    def _infer(self, label: str, infer: Callable[[], tuple[Sample, dict[str, Any]]]) -> None:
        def work() -> Callable[[], None]:
            sample, document = infer()
            return lambda: self._take(sample, document)

        self._run(f"Reading {shorten(label)}", work)

    def _take(self, sample: Sample, document: Mapping[str, Any]) -> None:
        """Put what was inferred in the place of the fields."""
        self._apply(with_inferred(self._model.draft, document))
        self._model = replace(self._model, sample=sample)
        count = len(document["fields"])
        self._tell("success", f"{count:,} field{'' if count == 1 else 's'} inferred from {shorten(sample.origin)}")

    def _do_file_begin(self, name: str, size: int) -> None:
        self._receiver.begin(self._acting, name, size)

    def _received(self) -> Path:
        """Return the folder of files of the browser's machine, which goes with the panel."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="intempt-nb-"))
            finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._folder.mkdir(exist_ok=True, mode=0o700)
        return self._folder

    def _do_file_piece(self, offset: int, buffers: Sequence[memoryview] = ()) -> None:
        path = self._receiver.take(self._acting, offset, buffers)
        if path is not None:
            record = _record_name(self._model.draft)
            self._infer(path.name, lambda: _infer_once(path, record))

    def _do_file_cancel(self) -> None:
        self._receiver.cancel()

    def _do_create(self, confirmed: str | None = None) -> None:
        model = self._model
        missing = missing_for_create(model, model.flaws)
        if missing:
            raise DataError(missing)
        if model.question is not None and confirmed != model.question:
            raise DataError(f"{model.question}. Press the button once more to do it")
        draft, target, live, code = model.draft, model.target, model.live, model.code
        source = model.known.source(draft.source_id)
        assert source is not None  # noqa: S101  # without one something is missing

        def work() -> Callable[[], None]:
            if target is None or live is None:
                made = source.create_collection(draft.name, draft.schema, draft.kind, draft.title or None)
                return lambda: self._made(made, Made(draft, made.record, "created", code))
            now = get_collection(model.known.transport, target.id)
            if not same_definition(now, live):
                return lambda: self._overtaken(now)
            title = draft.title if draft.title or now.title else None
            target.update(draft.schema, name=draft.name, kind=draft.kind, title=title)
            return lambda: self._made(target, Made(draft, target.record, "updated", code))

        self._run(f"{'Creating' if target is None else 'Updating'} {shorten(draft.name)}", work)

    def _made(self, collection: CollectionHandle, made: Made) -> None:
        self._collection = collection
        self._model = self._model.with_made(collection, made)
        self._tell("success", f"collection {shorten(collection.name)} was {made.verb}")

    def _overtaken(self, now: Collection) -> None:
        """Stop: what others have done meanwhile would be undone unseen."""
        self._model = replace(self._model, overtaken=now.id, unseen=now)
        self._tell("error", f"{stale_text(now.name)} Nothing was sent.")
        self._point("refresh:live")

    def _subject(self) -> str:
        return self._model.draft.name


def _record_name(draft: Draft) -> str:
    found = draft.document.get("name")
    return found.rpartition(".")[2] if isinstance(found, str) else ""


def _infer_once(path: Path, record: str) -> tuple[Sample, dict[str, Any]]:
    """Infer from a file that came from the browser and is not needed then."""
    try:
        return infer_from(path, None, record)
    finally:
        with suppress(OSError):
            path.unlink()
