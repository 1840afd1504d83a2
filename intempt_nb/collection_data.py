"""What a collection's handle does with rows: scan, load, upload, and single items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal

from intempt_nb.api import endpoints
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.errors import DataError, NotFoundError, RejectedError
from intempt_nb.profiling.profile import profile
from intempt_nb.transfer.options import Delivery, Limits, MissingValues, Target, UploadOptions
from intempt_nb.transfer.resuming import resume_run
from intempt_nb.transfer.scan import Scan
from intempt_nb.transfer.upload import upload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import pandas as pd
    import pyarrow as pa

    from intempt_nb.api.resources import Collection, DataItem, Identifier
    from intempt_nb.api.transport import Transport
    from intempt_nb.profiling.profile import Profile
    from intempt_nb.schema.mapping.pandas import DtypeBackend
    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.control import UploadControl
    from intempt_nb.transfer.keys import KeyRule
    from intempt_nb.transfer.options import OnUnknown
    from intempt_nb.transfer.report import UploadReport
    from intempt_nb.transfer.runs import UploadRun

__all__ = ["CollectionData", "names_of"]


class CollectionData(ABC):
    """The rows of a collection; what the collection is, the handle knows."""

    _transport: Transport

    @property
    @abstractmethod
    def record(self) -> Collection:
        """What the server says of it."""

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """The schema, as the server has it."""

    @property
    @abstractmethod
    def primary(self) -> Identifier:
        """The primary identifier."""

    def scan(self, columns: Sequence[str] | None = None, limit: int | None = None, item_ids: str | None = None) -> Scan:
        """Return the items as a scan, of which nothing is requested yet.

        Parameters
        ----------
        columns
            The columns to read, in this order; None for all.
        limit
            How many rows at most; None for all.
        item_ids
            The name of a first column for the ids that the server gave the items, as text, for :meth:`get`; None for
            none.

        Raises
        ------
        DataError
            For a column that the schema does not have, a limit that is no number of rows, or an `item_ids` that is the
            name of another column.
        """
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
            raise DataError(f"limit is {limit!r}; expected a whole number of rows, or None for all")
        chosen = None if columns is None else names_of(columns, "columns")
        return Scan(self._transport, self.record.id, self.record.name, self.schema, chosen, limit, item_ids)

    def count(self) -> int | None:
        """Return how many items there are, without reading them; None if the server does not say."""
        return endpoints.count_items(self._transport, self.record.id)

    def load(
        self,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
        dtype_backend: DtypeBackend = "pyarrow",
        item_ids: str | None = None,
    ) -> pd.DataFrame:
        """Return the items as a DataFrame.

        Parameters
        ----------
        columns, limit, item_ids
            As :meth:`scan` has them.
        dtype_backend
            ``"pyarrow"`` keeps every type of the schema, gaps included; ``"numpy_nullable"`` and None (pandas' own)
            as pandas has them.
        """
        return self.scan(columns, limit, item_ids).to_pandas(dtype_backend)

    def profile(
        self, columns: Sequence[str] | None = None, limit: int | None = None, *, bins: int = 20, top: int = 10
    ) -> Profile:
        """Return what the columns hold: gaps, different values, range, quantiles, frequent values, a histogram.

        The items are read once, in memory that does not grow with their number; the profile says which of its numbers
        are approximate for that.

        Parameters
        ----------
        columns, limit
            As :meth:`scan` has them; the limit takes the first items, which need not be like the others.
        bins
            How many bars a histogram has at most, 5 or more.
        top
            How many of the most frequent values to name.

        Returns
        -------
        Profile
            A table in a notebook, ``profile["amount"]`` for one column; see :func:`intempt_nb.analysis.profile`, which
            does the same with other data and states the definitions.

        Raises
        ------
        DataError
            For a column that the schema does not have, an option that is no number that will do, or a value on the
            server that is none of its column's type.
        """
        return profile(self.scan(columns, limit), bins=bins, top=top)

    def upload(
        self,
        source: str | PathLike[str] | pd.DataFrame | pa.Table | Any,
        *,
        dry_run: bool = False,
        encoding: str | None = None,
        delimiter: str | None = None,
        quotechar: str | None = '"',
        decimal: str = ".",
        nulls: Literal["explicit", "omit"] = "explicit",
        nan: Literal["reject", "null"] = "reject",
        key: KeyRule = None,
        columns: Mapping[str, str | None] | None = None,
        limits: Limits | None = None,
        workers: int = 1,
        resume: bool = True,
        on_unknown: OnUnknown = "repost",
        deadline: float | None = None,
        progress: bool | None = None,
        control: UploadControl | None = None,
    ) -> UploadReport:
        """Upload rows; those that fit the schema get through, the others are reported.

        Columns are matched with the fields by name, title or alias, or as `columns` says. What is sent is kept in a
        journal on this machine: after a crash, Ctrl-C or an error, the same call (the same content, collection and
        options) goes on where it came to, and a call that was finished sends nothing again. ``inb.uploads()`` lists the
        journals.

        Parameters
        ----------
        source
            A path (CSV, JSON lines, Parquet, Avro, Feather, Arrow IPC), a DataFrame, Arrow data or a list of dicts.
            What is no file is copied into the journal's folder first, so that it can be gone on with; the copy goes
            when the upload is finished and its report is gone.
        dry_run
            Check and plan, send no row.
        encoding, delimiter
            Of a CSV file; None to take UTF-8 and what the header shows.
        quotechar, decimal
            Of a CSV file: what stands around cells with delimiters in them (None for nothing), and before the fraction
            of a number (``"."`` or ``","``).
        nulls
            ``"explicit"`` sends a field without a value as ``null``, ``"omit"`` leaves it out, also inside records, so
            that it is absent from the stored item; both load as null. Nulls in lists and maps are always sent.
        nan
            ``"reject"`` rejects rows with NaN or infinity, for which JSON has no word. ``"null"`` takes them for gaps,
            also inside lists, maps and records: null where the type has null, the field's default where it has one,
            rejected otherwise. NaN in pandas' own columns and in lists of dicts marks a gap, and is always taken for
            one.
        key
            How rows without a value for the primary key get one, if it is one text field. ``"row"``: of the content's
            SHA-256 and the row number, so that the same file always gives the same keys. ``"content"``: of all that the
            row holds; equal rows become one item. A list of columns: of what these hold; rows with a gap in them are
            rejected. None: as ``"row"`` if the source has no such column, otherwise rows without a key are rejected.
        columns
            Column of the source → field, for those that are to be matched by hand; None leaves a column out. The others
            are matched with the fields that are left.
        limits
            How rows are cut into requests.
        workers
            Requests under way at once: several are faster where a request takes long. Rows with the same key are sent
            one after the other, so that the last one wins; the others may come to stand in another order.
        resume
            Whether to go on with an earlier run of the same upload; otherwise all rows are sent again.
        on_unknown
            What to do with rows that were sent and whose answer never came. ``"repost"`` sends them again until one
            comes, which is harmless where items overwrite themselves by their key (only a request that the server
            carries out later than that, after a newer row of the same key, brings the older value back). ``"skip"``
            goes on without them, ``"raise"`` stops; ``report.unknown_rows`` lists them.
        deadline
            Seconds that the upload may take; None for no limit. Two minutes without any answer end it in any case.
        progress
            A bar on the terminal or in the notebook; None for where someone can see it.
        control
            With which another thread sees how far it came, has it wait, or ends it.

        Returns
        -------
        UploadReport
            ``accepted``, ``rejected``, ``unknown``, and ``rejects`` as a DataFrame.

        Raises
        ------
        DataError
            If the source cannot be read, lacks a required column, or has one of the wrong kind; if `columns` names
            what is not there, or a field twice.
        ConfigurationError
            If an option has a value that it does not know, or the journal's folder cannot be written.
        RejectedError
            If the collection has no primary identifier yet, or nothing of what is sent is taken.
        ApiError, TransportError, DeliveryUnknownError
            If the server cannot be used: a wrong key, say, or no answer for two minutes.
        UploadError
            If the same upload is under way elsewhere, its journal cannot be read or written, the deadline has passed,
            the file changes meanwhile, or the control serves another upload.
        UploadInterrupted
            After Ctrl-C or ``control.cancel()``, which wait for the requests under way; a second Ctrl-C does not wait.

        All that end an upload which had begun have the report so far as their ``report``; what was sent stays, and the
        same call goes on from there.

        Warns
        -----
        TwiceWarning
            If the file was uploaded before with other content, and keys are made for it: they are others now.
        """
        options = UploadOptions(
            csv=CsvOptions(encoding, delimiter, quotechar, decimal),
            missing=MissingValues(nulls, nan),
            key=key,
            columns={} if columns is None else columns,
            limits=Limits() if limits is None else limits,
            delivery=Delivery(on_unknown, deadline),
            workers=workers,
            progress=progress,
        )
        return upload(self._transport, self._target(), source, options, dry_run=dry_run, resume=resume, control=control)

    def resume_upload(
        self, run: UploadRun, *, workers: int = 1, progress: bool | None = None, control: UploadControl | None = None
    ) -> UploadReport:
        """Go on with an upload that was broken off, from the file as it was or the copy of its rows.

        Parameters
        ----------
        run
            One of ``inb.uploads()``, into this collection.
        workers, progress, control
            As :meth:`upload` has them; all else is as it was.

        Returns
        -------
        UploadReport
            Of the whole upload.

        Raises
        ------
        DataError
            If there is no such file any more.
        UploadError
            If it went elsewhere, the file is not what it was, or there is no copy of its rows; as :meth:`upload` raises
            it.
        """
        return resume_run(self._transport, self._target(), run, workers=workers, progress=progress, control=control)

    def _target(self) -> Target:
        try:
            key = self.primary
        except NotFoundError as error:
            raise RejectedError(error.message) from None
        fields = tuple(field["name"] for field in key.schema_json["fields"])
        return Target(self.record.source_id, self.record.id, self.record.name, self.schema, fields)

    def post(self, item: Mapping[str, Any]) -> DataItem:
        """Add one item, as plain JSON, and return it as the server stored it."""
        return endpoints.post_item(self._transport, self.record.id, item, idempotent=True)

    def get(self, item_id: str) -> DataItem:
        """Return one item by the id that the server gave it."""
        return endpoints.get_item(self._transport, self.record.id, item_id)


def names_of(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Return a sequence of names; a single text is a slip, as it is a sequence of letters."""
    if isinstance(names, str):
        raise DataError(f"{what} is the text {names!r}; expected a list of names: {what}=[{names!r}]")
    return tuple(names)
