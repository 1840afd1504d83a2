"""`Model`: all that the designer knows, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from intempt_nb.errors import DataError
from intempt_nb.widgets.designing.problems import HEAD, Flaw, flaws_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.handles import CollectionHandle
    from intempt_nb.widgets.designing.draft import Draft, History
    from intempt_nb.widgets.designing.known import Known
    from intempt_nb.widgets.designing.sample import Sample

__all__ = ["TABS", "Model", "Tab"]

Tab = Literal["fields", "avro", "arrow", "pandas", "sample", "compare", "code"]
TABS: tuple[Tab, ...] = get_args(Tab)


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
    created
        What became of the last creation or update.
    """

    history: History
    known: Known
    tab: Tab = "fields"
    sample: Sample | None = None
    compared: str | None = None
    refused: tuple[Flaw, ...] = ()
    created: Mapping[str, Any] | None = field(default=None)

    @property
    def draft(self) -> Draft:
        """The collection as it stands now."""
        return self.history.now

    @property
    def target(self) -> CollectionHandle | None:
        """The collection that is updated; None if one is created."""
        return self.known.target(self.draft.name, self.draft.source_id)

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
        return [*flaws_of(self.draft, self._about_name()), *self.refused]

    def with_draft(self, draft: Draft) -> Model:
        """Return the model after an edit."""
        return self.with_history(self.history.after(draft))

    def with_history(self, history: History) -> Model:
        """Return the model with a draft that may be another one."""
        return self if history is self.history else replace(self, history=history, refused=())

    def with_tab(self, tab: str) -> Model:
        """Return the model with another tab in front."""
        for known in TABS:
            if tab == known:
                return replace(self, tab=known)
        raise DataError(f"there is no tab {tab!r}")

    def _about_name(self) -> Flaw | None:
        found, edited = self.known.called(self.draft.name, self.draft.source_id), self.known.edited
        if found is None or not self.draft.name:
            return None
        if edited is None:
            if self.created is not None and self.created["id"] == found.id:
                return None
            return Flaw(HEAD, "name", "warning", f"the source has a collection {found.name!r}; it would be updated")
        if edited.id == found.id:
            return None
        return Flaw(HEAD, "name", "error", f"the source has another collection {found.name!r}; choose another name")
