"""What is chosen in the panel: the rows, and how they are uploaded. Pure; undo is not needed, as nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.tabular import is_csv
from intempt_nb.display import shorten
from intempt_nb.errors import ConfigurationError, DataError
from intempt_nb.transfer.options import MissingValues
from intempt_nb.widgets.designing.code import literal
from intempt_nb.widgets.namespace import frame_of, variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.transfer.journal_files import Run
    from intempt_nb.transfer.keys import KeyRule

__all__ = ["MOST_WORKERS", "Kind", "Settings", "Source", "map_column", "settings_of", "source_of"]

Kind: TypeAlias = Literal["file", "received", "frame", "value"]

MOST_WORKERS = 16

_CSV = tuple(each.name for each in fields(CsvOptions))
_RULES: dict[str, KeyRule] = {"": None, "row": "row", "content": "content", "columns": ()}
_NO_MARK = ("encoding", "delimiter", "quotechar")
"""Options of a CSV for which an empty text means None."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Rows to upload.

    Parameters
    ----------
    kind
        ``"file"`` of the kernel's machine, ``"received"`` from the browser's, ``"frame"``: a variable of the notebook,
        ``"value"``: what was given when the panel was made.
    name
        Of the file or the variable; what it is where it has none.
    path
        Of the file; None for what is none.
    value
        What was given.
    """

    kind: Kind
    name: str
    path: Path | None = None
    value: Any = None

    @property
    def is_csv(self) -> bool:
        """Whether it is a CSV file."""
        return self.path is not None and is_csv(self.path)

    def rows(self) -> Any:
        """Return what an upload takes.

        Raises
        ------
        DataError
            If the variable is not there any more.
        """
        if self.kind == "frame":
            return frame_of(self.name)
        return self.value if self.path is None else self.path

    def spoken(self) -> str:
        """Return it as it stands in Python."""
        if self.path is None:
            return self.name if self.name.isidentifier() else "rows"
        return literal(self.name if self.kind == "received" else str(self.path))


def source_of(value: Any) -> Source:
    """Return what someone gave as a source: a path, or rows."""
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        path = Path(value).expanduser().absolute()
        return Source("file", path.name, path)
    name = next((name for name, each in list(variables().items()) if each is value and name[0] != "_"), None)
    return Source("value", name or f"a {type(value).__name__}", value=value)


@dataclass(frozen=True, slots=True)
class Settings:
    """How rows are uploaded, named as ``collection.upload`` names it.

    Raises
    ------
    DataError, ConfigurationError
        For a value that cannot be used.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    quotechar: str | None = '"'
    decimal: str = "."
    nulls: Literal["explicit", "omit"] = "explicit"
    nan: Literal["reject", "null"] = "reject"
    key: KeyRule = None
    workers: int = 1

    def __post_init__(self) -> None:
        CsvOptions(*(getattr(self, name) for name in _CSV))
        MissingValues(self.nulls, self.nan)
        if not 1 <= self.workers <= MOST_WORKERS:
            raise ConfigurationError(f"requests at once are {self.workers}; expected a number from 1 to {MOST_WORKERS}")

    def arguments(self) -> dict[str, Any]:
        """Return what is not as it is by default, as keyword arguments of an upload."""
        default = Settings()
        names = [each.name for each in fields(self)]
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(default, name)}

    def csv(self) -> dict[str, Any]:
        """Return how a CSV file is written, as keyword arguments."""
        return {name: getattr(self, name) for name in _CSV}

    def with_text(self, name: str, text: str) -> Settings:
        """Return the settings with one of them as a control of the browser has it: always text.

        Raises
        ------
        DataError, ConfigurationError
            For an option that is not there, or a value that cannot be used.
        """
        if name in _NO_MARK:
            return replace(self, **cast("Any", {name: text or None}))
        if name in ("decimal", "nulls", "nan"):
            return replace(self, **cast("Any", {name: text}))
        if name == "key":
            if text not in _RULES:
                raise DataError(f"key is {shorten(repr(text))}; expected {', '.join(map(repr, _RULES))}")
            return replace(self, key=_RULES[text])
        if name == "workers":
            return replace(self, workers=_whole(text))
        raise DataError(f"there is no option {name!r}")


def settings_of(run: Run) -> Settings:
    """Return the settings that an upload had."""
    told = {each.name: run.options[each.name] for each in fields(Settings) if each.name in run.options}
    return Settings(**{**told, "key": tuple(told["key"]) if isinstance(told["key"], list) else told["key"]})


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DataError(f"requests at once are {text!r}; expected a number from 1 to {MOST_WORKERS}") from None


def map_column(
    fed: Mapping[str, str | None], chosen: Mapping[str, str | None], column: str, to: str | None
) -> Mapping[str, str | None]:
    """Return the columns that are mapped by hand after one more; the column that fed the field before loses it.

    Parameters
    ----------
    fed
        Column → field, as it is now.
    chosen
        Those of them that were mapped by hand.
    column
        The one to map.
    to
        Its field; None to leave it out.
    """
    former = [each for each, into in fed.items() if to is not None and into == to and each != column]
    return {**chosen, **dict.fromkeys(former), column: to}
