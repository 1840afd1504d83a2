"""`IdentifierDesigner`: identifiers of a collection, by clicking."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from intempt_nb.analysis.identifiers import check_identifier
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.handles import CollectionHandle
from intempt_nb.widgets.identifying import model, view
from intempt_nb.widgets.identifying.code import create_text, program, relation_text
from intempt_nb.widgets.identifying.picture import picture
from intempt_nb.widgets.identifying.reading import read_others, read_own
from intempt_nb.widgets.namespace import frame_of, frames
from intempt_nb.widgets.panel import Panel, assets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from intempt_nb.analysis.identifier_check import IdentifierCheck
    from intempt_nb.api.resources import Identifier, Relation
    from intempt_nb.errors import IntemptError
    from intempt_nb.widgets.identifying.model import Draft, Relating

__all__ = ["IdentifierDesigner"]

ROWS = (10_000, 100_000, 1_000_000)


class IdentifierDesigner(Panel):
    """Shows the identifiers of a collection, and creates more.

    Parameters
    ----------
    collection
        The collection: ``client.sources["shop"].collections["visits"]``.

    Raises
    ------
    DataError
        If that is no collection.
    NotFoundError, ApiError, TransportError
        If the collection cannot be read.

    Examples
    --------
    >>> designer = inb.widgets.IdentifierDesigner(visits)
    >>> designer                # define and create
    >>> designer.identifier     # the one that was created last
    >>> designer.code           # the Python that does the same
    """

    _esm, _css = assets("diagram", "identifiers")

    def __init__(self, collection: CollectionHandle) -> None:
        if not isinstance(collection, CollectionHandle):
            raise DataError(f"found {type(collection).__name__}; expected a collection: client.collections[…]")
        super().__init__()
        self._collection = collection
        self._known = read_own(collection)
        self._unread: tuple[str, ...] = ()
        self._draft = model.start(self._known)
        self._asked = False
        self._relating: Relating | None = None
        self._rows, self._frame = ROWS[1], ""
        self._checked: tuple[object, IdentifierCheck] | None = None
        self._identifier: Identifier | None = None
        self._done: list[Callable[[str], str]] = []
        self._place = ""
        self._failures: dict[str, str] = {}
        self._read()
        self._publish()

    @property
    def identifier(self) -> Identifier | None:
        """The identifier that was created last; None before that."""
        return self._identifier

    @property
    def code(self) -> str:
        """The Python that does what was done here, and what is being defined; it never has a key."""
        return program(self._known, self._done, self._draft)

    @property
    def check(self) -> IdentifierCheck | None:
        """What the rows said when they were looked at last; None before that."""
        return None if self._checked is None else self._checked[1]

    def _subject(self) -> str:
        return self._collection.name

    def _view(self) -> Mapping[str, Any]:
        known, draft = self._known, self._draft
        problems = dict(model.problems(draft, known))
        if not self._asked:  # nobody has to be told what they have not come to
            problems = {place: text for place, text in problems.items() if not self._is_open(place)}
        shown = self._checked if self._checked is not None and self._checked[0] == self._question() else None
        return {
            "collection": view.collection_view(known),
            "types": list(view.TYPES.items()),
            "identifiers": view.identifiers_view(known),
            "references": view.references_view(known),
            "reading": known.others is None,
            "fields": view.fields_view(draft, known),
            "draft": view.draft_view(draft, known),
            "problems": problems,
            "failures": self._failures,
            "unread": [shorten(each, 300) for each in self._unread[:5]],
            "relating": view.relating_view(self._relating, known),
            "rows": self._rows,
            "row_choices": ROWS,
            "frame": self._frame,
            "frames": [name for name in frames() if len(name) < 100][:200],
            "check": None if shown is None else view.check_view(shown[1], draft.type),
            "picture": picture(known, draft),
            "code": self.code,
        }

    def _is_open(self, place: str) -> bool:
        is_unchosen = place == "fields" and not self._draft.fields and model.is_choice(self._draft, self._known)
        return is_unchosen or (place == "reference" and not self._draft.reference)

    def _question(self) -> object:
        """Return what a check is an answer to."""
        return self._draft.fields, self._draft.reference, self._frame, self._rows

    def _edit(self, draft: Draft) -> None:
        self._draft = draft
        self._failures = {}

    def _start(self, place: str, label: str, work: Callable[[], Callable[[], None]]) -> None:
        """Do in the background what is asked of the server; what goes wrong is told at `place`."""
        if self._busy is None:
            self._place = place
            self._forget(place)
        self._run(label, work)

    def _forget(self, place: str) -> None:
        self._failures = {each: text for each, text in self._failures.items() if each != place}

    def _fail(self, error: IntemptError) -> None:
        """Tell of an error beside the button that was pressed."""
        text = "\n".join([str(error), *getattr(error, "__notes__", ())])
        self._failures = {**self._failures, self._place: shorten(text, 2_000)}

    def _read(self) -> None:
        def work() -> Callable[[], None]:
            own = read_own(self._collection)
            others, unread = read_others(self._collection)

            def done() -> None:
                self._known, self._unread = replace(own, others=others), unread

            return done

        self._start("reference", "Reading the collections", work)

    def _do_refresh(self) -> None:
        self._read()

    def _do_type(self, type: str) -> None:
        kind = next(each for each in view.TYPES if each == type)
        self._edit(model.choose_type(self._draft, self._known, kind))

    def _do_reference(self, identifier: str) -> None:
        self._edit(model.choose_reference(self._draft, self._known, identifier))

    def _do_toggle(self, at: int, on: bool) -> None:
        self._edit(model.tick(self._draft, self._known, self._field(at), on=on))

    def _do_move(self, at: int, by: int) -> None:
        field = self._field(at)
        self._edit(self._draft.moved(field, by))
        fields = self._draft.fields
        if field in (fields[0], fields[-1]):  # the button that was pressed can do no more, and would lose the focus
            self._point(f"{'down' if field == fields[0] else 'up'}:{at}")

    def _do_name(self, name: str) -> None:
        self._edit(replace(self._draft, name=name.strip() or None))

    def _field(self, at: int) -> str:
        return self._known.own.schema.names[at]

    def _do_frame(self, name: str) -> None:
        self._frame = name

    def _do_rows(self, count: str) -> None:
        known = {str(each): each for each in ROWS}
        if count not in known:
            raise DataError(f"{shorten(repr(count))} is no number of rows to check; expected {', '.join(known)}")
        self._rows = known[count]

    def _stopped(self) -> bool:
        """Return whether something has to be put right first; the focus goes there."""
        self._asked = True
        found = model.problems(self._draft, self._known)
        if found:
            place = next(iter(found))
            self._point({"type": f"type:{self._draft.type}", "fields": "fields"}.get(place, place))
        return bool(found)

    def _do_check(self) -> None:
        self._asked = True
        if {"fields", "reference"} & set(model.problems(self._draft, self._known)):
            return
        question, draft, frame, rows = self._question(), self._draft, self._frame, self._rows
        there = self._known.place_of(draft.reference)

        def work() -> Callable[[], None]:
            primary = None if there is None else there.primary
            data = frame_of(frame) if frame else None
            found = check_identifier(self._collection, draft.fields, primary, data=data, rows=rows)

            def done() -> None:
                self._checked = question, found

            return done

        self._start("check", f"Checking {shorten(' + '.join(draft.fields))} on data", work)

    def _do_create(self) -> None:
        if self._stopped():
            return
        known, draft, name = self._known, self._draft, model.name_of(self._draft, self._known)
        told = partial(create_text, known, draft)

        def work() -> Callable[[], None]:
            made = self._collection.create_identifier(name, draft.fields, draft.type, draft.reference)
            return lambda: self._created(made, told)

        self._start("create", f"Creating {shorten(name)}", work)

    def _created(self, made: Identifier, told: Callable[[str], str]) -> None:
        own = self._known.own
        self._known = replace(self._known, own=replace(own, identifiers=(*own.identifiers, made)))
        self._identifier, self._asked = made, False
        self._done.append(told)
        self._relating = None if made.reference_id is None else model.relate(self._known, made)
        self._draft = model.start(self._known)
        self._tell("success", f"{made.type} identifier {shorten(made.name)} was created; its id is {made.id}")

    def _do_relate(self, identifier: str) -> None:
        """Offer to create a relation of an identifier; nothing to take the offer back."""
        found = next((each for each in self._known.own.identifiers if each.id == identifier), None)
        self._relating = None if found is None else model.relate(self._known, found)
        self._forget("relation")
        if found is not None:
            self._point("relation")

    def _do_relation(self, **changes: Any) -> None:
        if self._relating is not None:
            self._relating = replace(self._relating, **changes)

    def _do_create_relation(self) -> None:
        relating = self._relating
        if relating is None:
            return
        identifier = next(each for each in self._known.own.identifiers if each.id == relating.identifier)

        def work() -> Callable[[], None]:
            made = self._collection.create_relation(relating.name, identifier, relating.type)
            return lambda: self._related(made, partial(relation_text, identifier.name, relating))

        self._start("relation", f"Creating relation {shorten(relating.name)}", work)

    def _related(self, made: Relation, told: Callable[[str], str]) -> None:
        self._known = replace(self._known, relations=(*self._known.relations, made))
        self._relating = None
        self._done.append(told)
        self._tell("success", f"relation {shorten(made.name)} was created; its id is {made.id}")
