"""The part of the panel in which rows are looked at, and it is said how they are uploaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from intempt_nb.display import shorten
from intempt_nb.errors import DataError, IntemptError, NotFoundError, UploadError
from intempt_nb.handles import CollectionHandle
from intempt_nb.widgets.uploading.model import Settings, map_column
from intempt_nb.widgets.uploading.sampling import (
    blocked_by,
    field_labels,
    fields_view,
    fitting,
    look_at,
    look_view,
    read_sample,
    settings_view,
)
from intempt_nb.widgets.uploading.watching import WatchingPanel
from intempt_nb.widgets.uploading.wording import in_panel_words, no_primary

if TYPE_CHECKING:
    from collections.abc import Callable

    from intempt_nb.widgets.uploading.model import Source
    from intempt_nb.widgets.uploading.running import Running
    from intempt_nb.widgets.uploading.sampling import Look, Sample

__all__ = ["LookingPanel", "Stage"]

Stage: TypeAlias = Literal["pick", "look", "run", "done"]


class LookingPanel(WatchingPanel):
    """A panel that shows rows against the schema of a collection."""

    def __init__(self, collection: CollectionHandle) -> None:
        if not isinstance(collection, CollectionHandle):
            raise DataError(f"found {type(collection).__name__}; expected a collection: client.collections[…]")
        super().__init__()
        self._collection = collection
        transport = collection._transport
        self._place = (transport.base_url, transport.org, collection.id)
        self._stage: Stage = "pick"
        self._key: tuple[str, ...] = ()
        self._keyless: str | None = None
        """Why the collection takes no rows; None if it does."""
        self._source: Source | None = None
        self._look: Look | None = None
        self._unread: str | None = None
        """Why the rows cannot be shown; None if they are, or will be."""
        self._settings = Settings()
        self._problem: tuple[str, str] | None = None
        self._checked: Running | None = None
        self._reading: str | None = None
        """What is told while rows are read; another source may be wanted by then."""

    def _require(self, stage: Stage) -> None:
        """Refuse what another view of this panel has overtaken."""
        if self._stage != stage:
            raise UploadError("the panel shows something else by now; look at it again")

    def _look_for_key(self) -> None:
        """Ask which fields are the key of the collection."""
        self._key, self._keyless = (), None
        try:
            self._key = tuple(field["name"] for field in self._collection.primary.schema_json["fields"])
        except NotFoundError as error:
            self._keyless = no_primary(self._collection.name) if error.status is None else in_panel_words(str(error))
        except IntemptError as error:
            self._keyless = in_panel_words(str(error))

    def _looked_at(self) -> dict[str, Any]:
        """Return what is shown of the rows and the settings, as JSON."""
        source, look, settings = self._source, self._look, self._settings
        assert source is not None  # noqa: S101  # there are rows to look at
        return {
            "look": None if look is None else look_view(look, settings),
            "fields": fields_view(self._collection.schema if look is None else look.schema),
            "settings": settings_view(settings, is_csv=source.is_csv, problem=self._told_problem()),
            "unread": self._unread,
        }

    def _told_problem(self) -> tuple[str, str] | None:
        """Return the option that is wrong, and why."""
        if self._problem is None and self._look is not None and self._look.problem is not None:
            return ("key", self._look.problem)
        return self._problem

    def _blocked(self) -> str | None:
        """Return why an upload cannot begin; None if it can."""
        if self._keyless is not None:
            return "The collection takes no rows yet: see above."
        if self._unread is not None:
            return "The rows cannot be read: see above."
        return None if self._look is None else blocked_by(self._look, self._settings)

    def _read(self) -> None:
        """Read the first rows, on a thread."""
        source, csv, place = self._source, self._settings.csv(), self._place
        assert source is not None  # noqa: S101  # there are rows to look at
        if self._busy is not None and self._busy == self._reading:  # it will see that something else is wanted now
            return

        def work() -> Callable[[], None]:
            found: Sample | IntemptError
            try:
                found = read_sample(source, csv if source.is_csv else {}, place)
            except IntemptError as error:
                found = error
            return lambda: self._have_read(source, csv, found)

        self._reading = f"Reading {source.name}"
        self._run(self._reading, work)

    def _have_read(self, source: Source, csv: dict[str, Any], found: Sample | IntemptError) -> None:
        if self._stage != "look":
            return
        if self._source is not source or self._settings.csv() != csv:
            self._read()
        elif isinstance(found, IntemptError):
            self._look, self._unread = None, in_panel_words(str(found))
        else:
            self._unread, self._settings = None, self._fitting(found)
            self._look_at(found)

    def _look_at(self, sample: Sample) -> None:
        self._look = self._seen(sample, self._settings)

    def _fitting(self, sample: Sample) -> Settings:
        return fitting(self._settings, sample.head, self._collection.schema)

    def _require_current(self) -> None:
        """Refuse what is no choice for the rows any more; if the collection has another schema by now, look anew."""
        self._require("look")
        if self._look is not None and self._look.schema is not self._collection.schema:
            sample = self._look.sample
            self._settings, self._checked = self._fitting(sample), None
            self._look_at(sample)
            raise UploadError("the collection has another schema by now; look at its fields, and begin again")

    def _seen(self, sample: Sample, settings: Settings) -> Look:
        return look_at(sample, self._collection.schema, self._key, settings)

    def _do_read(self) -> None:
        self._require("look")
        self._read()

    def _do_key(self) -> None:
        """Ask anew whether the collection takes rows."""
        self._look_for_key()
        if self._look is not None:
            self._look_at(self._look.sample)

    def _do_column(self, at: int, field: str) -> None:
        self._require_current()
        if self._look is not None:
            fed = {each.name: each.field for each in self._look.preview.columns}
            column, to = _name_at(self._look, at), self._field_of(field)
            self._set(replace(self._settings, columns=map_column(fed, self._settings.columns, column, to)))

    def _field_of(self, label: str) -> str | None:
        """Return the name of the field that the browser knows by a label; None if it means none."""
        names = {shown: name for name, shown in field_labels(self._collection.schema).items()}
        return names.get(label, label) or None

    def _do_option(self, name: str, text: str) -> None:
        self._require_current()
        try:
            self._set(self._settings.with_text(name, text))
        except IntemptError as error:
            self._problem = (name, in_panel_words(str(error)))

    def _do_key_column(self, at: int, chosen: bool) -> None:
        self._require_current()
        if self._look is not None:
            column = _name_at(self._look, at)
            others = tuple(each for each in self._settings.key or () if each != column)
            self._set(replace(self._settings, key=(*others, column) if chosen else others))

    def _set(self, settings: Settings) -> None:
        """Take settings, unless the rows that are there cannot be looked at with them."""
        again = settings.csv() != self._settings.csv()
        if self._look is not None and not again:
            self._look = self._seen(self._look.sample, settings)
        self._settings, self._problem, self._checked = settings, None, None
        if again:
            self._read()


def _name_at(look: Look, at: object) -> str:
    columns = look.preview.columns
    if not isinstance(at, int) or not 0 <= at < len(columns):
        raise DataError(f"there is no column {shorten(repr(at))}; expected a position from 0 to {len(columns) - 1}")
    return columns[at].name
