"""`Model`: all that the designer knows, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.widgets.designing.code import code_of
from intempt_nb.widgets.designing.identifiers import identifier_flaws
from intempt_nb.widgets.designing.known import same_definition
from intempt_nb.widgets.designing.losses import Losses, losses_of
from intempt_nb.widgets.designing.problems import HEAD, Flaw, flaws_of

if TYPE_CHECKING:
    from intempt_nb.api.resources import Collection
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.widgets.designing.draft import Draft, History
    from intempt_nb.widgets.designing.known import Known
    from intempt_nb.widgets.designing.sample import Sample

__all__ = ["TABS", "Made", "Model", "Tab"]

Tab = Literal["fields", "avro", "arrow", "pandas", "sample", "compare", "code"]
TABS: tuple[Tab, ...] = get_args(Tab)


@dataclass(frozen=True, slots=True)
class Made:
    """What became of the last creation or update.

    Parameters
    ----------
    draft
        What was created.
    record
        What the server made of it.
    verb
        ``"created"`` or ``"updated"``.
    code
        The Python that does the same.
    """

    draft: Draft
    record: Collection
    verb: str
    code: str


@dataclass(frozen=True, slots=True)
class Model:
    """All that the designer knows.

    Parameters
    ----------
    history
        The draft and what it was.
    known
        What the server has.
    tab
        Which one is shown.
    sample
        Data at hand.
    compared
        The id of the collection to compare with, if one was chosen.
    refused
        What the server said of the draft, until it is edited.
    made
        What became of the last creation or update.
    overtaken
        The id of a collection that others have changed since the designer read it.
    unseen
        What they made of it, as long as the person has not had it read again.
    structure
        Another number whenever a path may mean another row.
    """

    history: History
    known: Known
    tab: Tab = "fields"
    sample: Sample | None = None
    compared: str | None = None
    refused: tuple[Flaw, ...] = ()
    made: Made | None = None
    overtaken: str | None = None
    unseen: Collection | None = None
    structure: int = 0

    @property
    def draft(self) -> Draft:
        """The collection as it stands now."""
        return self.history.now

    @property
    def target(self) -> CollectionHandle | None:
        """The collection that is updated; None if one is created."""
        return self.known.target(self.draft.name, self.draft.source_id)

    @property
    def live(self) -> Collection | None:
        """What the server said of the collection that is updated."""
        return None if self.target is None else self.known.record(self.target)

    @property
    def losses(self) -> Losses:
        """What an update would take from the collection."""
        return Losses() if self.live is None else losses_of(self.draft, self.live)

    @property
    def question(self) -> str | None:
        """What is to be confirmed before the update; None if nothing is."""
        if self.target is None:
            return None
        parts = ["it was changed by others meanwhile"] if self.target.id == self.overtaken else []
        parts += [self.losses.brief] if self.losses.brief else []
        return f"Update {shorten(self.target.name, 40)}: {', '.join(parts)}" if parts else None

    @property
    def made_now(self) -> Made | None:
        """What became of the draft as it stands; None if it was not created, or changed since."""
        return self.made if self.made is not None and self.made.draft is self.draft else None

    @property
    def code(self) -> str:
        """The Python that does the same; once it is done, still that which did it."""
        return code_of(self.draft, self.known) if self.made_now is None else self.made_now.code

    @property
    def comparable(self) -> list[CollectionHandle]:
        """The collections to compare with."""
        return self.known.of_source(self.draft.source_id)

    @property
    def other(self) -> CollectionHandle | None:
        """The collection that is compared with."""
        chosen = next((each for each in self.comparable if each.id == self.compared), None)
        return self.target if chosen is None else chosen

    @property
    def flaws(self) -> list[Flaw]:
        """What there is to tell of the draft."""
        used = identifier_flaws(self.draft, self.known.identifiers, self.live)
        return [*flaws_of(self.draft, self._about_name()), *used, *self.refused]

    def with_draft(self, draft: Draft) -> Model:
        """Return the model after an edit."""
        return self.with_history(self.history.after(draft))

    def with_cell(self, draft: Draft) -> Model:
        """Return the model after an edit of a cell, which moves no row that is still there afterwards."""
        after = self.with_draft(draft)
        stay = {row.path for row in self.draft.rows} <= {row.path for row in draft.rows}
        return replace(after, structure=self.structure) if stay else after

    def with_history(self, history: History) -> Model:
        """Return the model with a draft that may be another one."""
        if history is self.history:
            return self
        moved = history.now.document is not self.draft.document
        return replace(self, history=history, refused=(), structure=self.structure + moved)

    def with_tab(self, tab: str) -> Model:
        """Return the model with another tab in front."""
        for known in TABS:
            if tab == known:
                model = replace(self, tab=known)
                return model.with_seen() if known == "compare" else model
        raise DataError(f"there is no tab {tab!r}")

    def with_known(self, known: Known) -> Model:
        """Return the model after the server was asked again; others may have changed the collection meanwhile."""
        live = self.live
        asked = replace(self, known=known, unseen=None)
        if live is None or live.id not in known.records or same_definition(live, known.records[live.id]):
            return asked
        return replace(asked, overtaken=live.id)

    def with_seen(self) -> Model:
        """Return the model with what others made of the collection in the place of what it was."""
        return self if self.unseen is None else replace(self, known=self.known.with_record(self.unseen), unseen=None)

    def with_made(self, collection: CollectionHandle, made: Made) -> Model:
        """Return the model after a collection was created or updated."""
        known = self.known.with_collection(collection)
        return replace(self, known=known, made=made, refused=(), overtaken=None, unseen=None)

    def _about_name(self) -> Flaw | None:
        found, edited = self.known.called(self.draft.name, self.draft.source_id), self.known.edited
        if found is None or not self.draft.name:
            return None
        if edited is None:
            if self.made is not None and self.made.record.id == found.id:
                return None
            return Flaw(HEAD, "name", "warning", f"the source has a collection {found.name!r}; it would be updated")
        if edited.id == found.id:
            return None
        return Flaw(HEAD, "name", "error", f"the source has another collection {found.name!r}; choose another name")
