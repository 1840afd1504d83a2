"""What changed from one schema to another: each change in words and with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.display import html_table, text_table
from intempt_nb.schema.comparing.comparison import Change, ChangeKind, Comparison
from intempt_nb.schema.comparing.declared import declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.schema.schema import Schema

__all__ = ["Change", "ChangeKind", "SchemaDiff", "difference"]


@dataclass(frozen=True, slots=True, repr=False)
class SchemaDiff:
    """All changes from one schema to another; false if there are none.

    Parameters
    ----------
    changes
        In the order of the fields: those of the new schema, a removed one where it was.
    """

    changes: tuple[Change, ...] = ()

    @property
    def added(self) -> tuple[Change, ...]:
        """The fields and symbols that are new."""
        return tuple(each for each in self.changes if each.kind == "added")

    @property
    def removed(self) -> tuple[Change, ...]:
        """The fields and symbols that are gone."""
        return tuple(each for each in self.changes if each.kind == "removed")

    @property
    def changed(self) -> tuple[Change, ...]:
        """What is there as before and not as it was: changed, moved or renamed."""
        return tuple(each for each in self.changes if each.kind not in ("added", "removed"))

    def __iter__(self) -> Iterator[Change]:
        """Go through the changes, in order."""
        return iter(self.changes)

    def __len__(self) -> int:
        """Return the number of changes."""
        return len(self.changes)

    def __repr__(self) -> str:
        """Return the changes as a text table."""
        return text_table(_HEADER, self._rows(), self._caption()) if self else self._caption()

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._rows(), self._caption())

    def _rows(self) -> list[tuple[object, ...]]:
        return [(each.path or "(schema)", each.words) for each in self.changes]

    def _caption(self) -> str:
        if not self:
            return "no changes"
        counts = {"added": len(self.added), "removed": len(self.removed), "changed": len(self.changed)}
        return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


_HEADER = ("field", "change")


def difference(old: Schema, new: Schema) -> SchemaDiff:
    """Return what changed from one schema to another.

    Parameters
    ----------
    old, new
        The schemas. How they are written makes no difference where it says the same: the order of keys, a name in full
        or by its namespace, ``"string"`` or ``{"type": "string"}``, what is the case anyway (``"order": "ascending"``).

    Returns
    -------
    SchemaDiff
        Empty if the schemas say the same, attributes of their own included. A named type that is used several times is
        told of once, at its shortest path. A field or type is renamed where an alias, in either schema, says so; a
        named type also where each of the two names is in one of the schemas only.
    """
    comparison = Comparison(declared(old.root, old.to_avro()), declared(new.root, new.to_avro()))
    return SchemaDiff(comparison.changes())
