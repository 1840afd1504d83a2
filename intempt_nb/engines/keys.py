"""Which item a row is, whatever partition it comes in: without that, a worker that dies leaves rows twice."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.errors import ConfigurationError
from intempt_nb.transfer.jobs import make_job
from intempt_nb.transfer.keys import KeyMaker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from intempt_nb.transfer.options import Target, UploadOptions

__all__ = ["column_for", "keys_of", "lot_of", "with_keys"]

COLUMN = "_intempt_key"
"""The column that keys are put into; mapped by hand, as the name of the key itself may be another column's."""


def lot_of(
    target: Target, sample: Any, options: UploadOptions, *, whole_files: bool, at_least_once: bool
) -> str | None:
    """Check that rows have keys which do not depend on how they are divided.

    Parameters
    ----------
    target
        The collection.
    sample
        A source with the columns of all partitions: an empty frame or table, or one of the files.
    options
        How they are uploaded.
    whole_files
        Whether each partition is a file: the row number in it is then the same each time.
    at_least_once
        Whether rows without such keys are sent all the same.

    Returns
    -------
    str or None
        A number drawn for this upload, of which :func:`keys_of` makes keys; None if they are not needed.

    Raises
    ------
    DataError
        If the rows lack a column for a required field, or cannot be keyed as the options say.
    ConfigurationError
        If they have no such keys, and that is not to be.
    """
    if options.key == "row" and not whole_files:
        raise ConfigurationError(f"key='row' makes keys of row numbers, and those depend on the partitions; {_ADVICE}")
    job = make_job(target, sample, options, copied=False, fixed=False)
    if whole_files or not job.is_keyed_unasked:
        return None
    if not at_least_once:
        raise ConfigurationError(f"the rows have no column for the primary key, {target.key[0]!r}; {_ADVICE}")
    return secrets.token_hex(16)


_ADVICE = (
    "rows that are sent again, by another call or in other partitions, would be there twice. Give key=[columns] that "
    "tell the rows apart, or key='content', with which equal rows become one; or leave key out and take that risk with "
    "at_least_once=True"
)


def keys_of(lot: str, partition: int, first: int, count: int) -> pa.StringArray:
    """Return keys for rows of a partition, which are the same whenever this upload sends it again.

    Parameters
    ----------
    lot
        From :func:`lot_of`.
    partition
        Its number.
    first, count
        The number of the first row in it, and how many rows there are.
    """
    digest = hashlib.sha256(f"{lot}/{partition}".encode()).hexdigest()
    return KeyMaker("", "row", digest).of_rows(pa.array(np.arange(first, first + count)))


def column_for(names: Iterable[Any]) -> str:
    """Return the name of a column for keys that is none of these columns'."""
    taken, name = set(names), COLUMN
    while name in taken:
        name += "_"
    return name


def with_keys(
    rows: Any, lot: str | None, partition: int, target: Target, options: UploadOptions
) -> tuple[Any, UploadOptions]:
    """Return a partition whose rows have keys, if need be in a column more, and options that say so.

    A partition may have other columns than the sample: made by hand, or read from files that differ.

    Parameters
    ----------
    rows
        A DataFrame, or Arrow data; it is not changed.
    lot, partition
        As :func:`keys_of` has them; without a lot, no keys are made.
    target, options
        As :func:`lot_of` has them.

    Raises
    ------
    DataError
        If the rows lack a column for a required field.
    ConfigurationError
        If the rows have no keys, and none are to be made.
    """
    if not isinstance(rows, pd.DataFrame):
        rows = pa.table(rows)
    sample = rows.iloc[:0] if isinstance(rows, pd.DataFrame) else rows.slice(0, 0)
    if not make_job(target, sample, options, copied=False, fixed=False).is_keyed_unasked:
        return rows, options
    if lot is None:
        raise ConfigurationError(
            f"the partition has no column for the primary key, {target.key[0]!r}, though others have; make it a column "
            "of all of them, or give key=[columns] or key='content'"
        )
    keys = keys_of(lot, partition, 0, len(rows))
    if isinstance(rows, pd.DataFrame):
        name = column_for(rows.columns)
        keyed = rows.assign(**{name: pd.arrays.ArrowExtensionArray(keys)})
    else:
        name = column_for(rows.schema.names)
        keyed = rows.append_column(name, keys)
    return keyed, replace(options, columns={**options.columns, name: target.key[0]})
