"""`CollectionDesigner`: the widget, which hands each action to the rooms that know."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from intempt_nb.display import shorten
from intempt_nb.errors import ApiError, DataError
from intempt_nb.widgets.designing import edits
from intempt_nb.widgets.designing.code import code_of
from intempt_nb.widgets.designing.draft import Draft, History
from intempt_nb.widgets.designing.files import read_file, to_text
from intempt_nb.widgets.designing.heads import headed, with_inferred
from intempt_nb.widgets.designing.known import Known, ask
from intempt_nb.widgets.designing.model import Model
from intempt_nb.widgets.designing.pasting import names_in
from intempt_nb.widgets.designing.places import parent_of
from intempt_nb.widgets.designing.problems import refusals_of
from intempt_nb.widgets.designing.sample import Sample, infer_from, open_sample
from intempt_nb.widgets.designing.starting import started
from intempt_nb.widgets.designing.view import missing_for_create, view
from intempt_nb.widgets.namespace import frame_of, frames
from intempt_nb.widgets.panel import Panel, assets
from intempt_nb.widgets.receiving import Receiving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from intempt_nb.api.resources import CollectionKind
    from intempt_nb.client import Client
    from intempt_nb.errors import IntemptError
    from intempt_nb.handles import CollectionHandle, SourceHandle
    from intempt_nb.schema.schema import Schema

__all__ = ["CollectionDesigner"]


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
        self._receiving: Receiving | None = None
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
        return code_of(self._model.draft, self._model.known)

    def to_file(self, path: str | PathLike[str]) -> None:
        """Write the definition to a file, as JSON: the body of the API's own request, without the source.

        Parameters
        ----------
        path
            The file; what is in it is replaced. What has problems can be written as well.
        """
        Path(path).write_text(to_text(self._model.draft), encoding="utf-8", newline="\n")

    def _view(self) -> Mapping[str, Any]:
        return view(self._model, frames(), self._receiving)

    def _fail(self, error: IntemptError) -> None:
        refused = refusals_of(error, self._model.draft.rows) if isinstance(error, ApiError) else []
        with self._lock:
            if refused:
                self._model = replace(self._model, refused=tuple(refused))
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
        self._apply(headed(self._model.draft, key, value, ids))

    def _do_set(self, path: str, key: str, value: Any) -> None:
        self._edit(edits.changed(self._document, path, key, value))

    def _do_add(self, into: str = "/fields", at: int | None = None) -> None:
        document, path = edits.added(self._document, into, at)
        self._edit(document)
        self._point(f"{path}:name")

    def _do_duplicate(self, path: str) -> None:
        document, copy = edits.duplicated(self._document, path)
        self._edit(document)
        self._point(f"{copy}:name")

    def _do_delete(self, path: str) -> None:
        self._edit(edits.deleted(self._document, path))
        parent, index = parent_of(path)
        there = {row.path for row in self._model.draft.rows}
        near = [f"{parent}/{index}", f"{parent}/{index - 1}", *_above(parent)]
        self._point(next((f"{each}:name" for each in near if each in there), "add"))

    def _do_move(self, path: str, by: int, key: str = "name") -> None:
        document, moved = edits.moved(self._document, path, by)
        self._edit(document)
        self._point(f"{moved}:{key}")

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

    def _do_undo(self) -> None:
        self._model = self._model.with_history(self._model.history.undone())

    def _do_redo(self) -> None:
        self._model = self._model.with_history(self._model.history.redone())

    def _do_tab(self, tab: str) -> None:
        self._model = self._model.with_tab(tab)

    def _do_text(self, text: str) -> None:
        self._apply(self._model.draft.with_text(text))

    def _do_compare(self, collection: str) -> None:
        self._model = replace(self._model, compared=collection)

    def _do_refresh(self) -> None:
        def work() -> Callable[[], None]:
            known = ask(self._where)
            return lambda: self._know(known)

        self._run("Asking for sources and collections", work)

    def _know(self, known: Known) -> None:
        self._model = replace(self._model, known=known)

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
        self._do_file_cancel()
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="intempt-nb-"))
            finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._receiving = Receiving.begin(self._folder, name, int(size))

    def _do_file_piece(self, offset: int, buffers: Sequence[memoryview] = ()) -> None:
        receiving = self._receiving
        if receiving is None:
            raise DataError("no file is being received; choose it again")
        try:
            whole = receiving.take(offset, buffers)
        except DataError:
            self._receiving = None
            raise
        if whole:
            self._receiving = None
            record = _record_name(self._model.draft)
            self._infer(receiving.path.name, lambda: _infer_once(receiving.path, record))

    def _do_file_cancel(self) -> None:
        if self._receiving is not None:
            self._receiving.cancel()
            self._receiving = None

    def _do_create(self) -> None:
        model = self._model
        missing = missing_for_create(model, model.flaws)
        if missing:
            raise DataError(missing)
        draft, target, source = model.draft, model.target, model.known.source(model.draft.source_id)
        assert source is not None  # noqa: S101  # without one something is missing

        def work() -> Callable[[], None]:
            if target is None:
                made = source.create_collection(draft.name, draft.schema, draft.kind, draft.title or None)
                return lambda: self._made(made, "created")
            title = draft.title if draft.title or target.record.title else None
            target.update(draft.schema, name=draft.name, kind=draft.kind, title=title)
            return lambda: self._made(target, "updated")

        self._run(f"{'Creating' if target is None else 'Updating'} {shorten(draft.name)}", work)

    def _made(self, collection: CollectionHandle, verb: str) -> None:
        self._collection = collection
        count = len(collection.record.schema_json.get("fields", ()))
        created = {
            "name": collection.name, "id": collection.id, "kind": collection.kind, "fields": count, "verb": verb,
        }  # fmt: skip
        known = self._model.known.with_collection(collection)
        self._model = replace(self._model, known=known, created=created, refused=())
        self._tell("success", f"collection {shorten(collection.name)} was {verb}")


def _above(parent: str) -> list[str]:
    """Return the path of the field that a list of fields is in."""
    above = parent
    while above:
        above = above.rpartition("/")[0]
        if above.rpartition("/")[0].endswith("/fields"):
            return [above]
    return []


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
