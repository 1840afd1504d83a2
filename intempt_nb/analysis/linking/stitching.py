"""Profiles that share a value are one person: the components of a graph, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.extras import require

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]

__all__ = ["Vocabulary", "escaped", "stitch", "texts_of", "without_blanks"]


def stitch(count: int, profiles: Numbers, values: Numbers) -> Numbers:
    """Return for each of `count` profiles the smallest number of a profile that it is connected with.

    Parameters
    ----------
    count
        How many profiles there are, numbered from 0.
    profiles, values
        Pairs: a profile, and the number of a value that it has. Two profiles with a value in common are connected, and
        so is all that is connected with the same one.

    Raises
    ------
    ConfigurationError
        If scipy is not installed.
    """
    sparse = require("scipy.sparse", "analysis")
    graphs = require("scipy.sparse.csgraph", "analysis")
    if not count:
        return np.zeros(0, np.int64)
    known, nodes = np.unique(values, return_inverse=True)
    size = count + len(known)
    graph = sparse.coo_array((np.ones(len(profiles), bool), (profiles, count + nodes)), shape=(size, size))
    _, labels = graphs.connected_components(graph.tocsr(), directed=False)
    _, first, component = np.unique(labels[:count], return_index=True, return_inverse=True)
    smallest: Numbers = first[component].astype(np.int64, copy=False)
    return smallest


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Different texts in the order of their code points, numbered from `start`."""

    texts: pa.Array
    start: int = 0

    @classmethod
    def of(cls, columns: Iterable[pa.ChunkedArray], start: int = 0) -> Vocabulary:
        """Return the texts of some columns; null is none."""
        chunks = [chunk for column in columns for chunk in column.chunks]
        known = pc.unique(pa.chunked_array(chunks, pa.large_string())).drop_null()
        return cls(known.take(pc.sort_indices(known)), start)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def end(self) -> int:
        """The number after the last one."""
        return self.start + len(self.texts)

    def numbers(self, column: pa.ChunkedArray) -> Numbers:
        """Return the numbers of texts; -1 for those that are not in it, and for null."""
        at = np.asarray(pc.index_in(column, self.texts).fill_null(-1)).astype(np.int64, copy=False)
        return np.where(at < 0, -1, at + self.start)


def texts_of(keys: pa.Table) -> pa.ChunkedArray:
    """Return each row's key as one text, different for different keys; null where a column has no value.

    The text of a single column is the value itself. Those of several are joined by ``/``, and in them ``%`` and ``/``
    are written ``%25`` and ``%2F``, as in a URL.

    Parameters
    ----------
    keys
        The columns, each of a type that compares by value.
    """
    columns = [_text(column) for column in keys.columns]
    if len(columns) == 1:
        return columns[0]
    joined = pc.binary_join_element_wise(*map(escaped, columns), pa.scalar("/", pa.large_string()))
    return joined.cast(pa.large_string())


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_large_binary(column.type) or pa.types.is_fixed_size_binary(column.type):
        encoded = column.combine_chunks().dictionary_encode()  # Arrow has no words for bytes; each is converted once
        encoded = encoded if isinstance(encoded, pa.Array) else pa.concat_arrays(encoded.chunks)
        words = pa.array([each.as_py().hex() for each in encoded.dictionary], pa.large_string())
        return pa.chunked_array([words.take(encoded.indices)])
    return column.cast(pa.large_string())


def escaped(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts without ``/``, as a URL has them."""
    return pc.replace_substring(pc.replace_substring(texts, "%", "%25"), "/", "%2F")


def without_blanks(keys: pa.Table, ignored: Collection[str]) -> pa.Table:
    """Return the columns with null for what is nobody's value: text without letters, and what is to be ignored.

    Parameters
    ----------
    keys
        The columns.
    ignored
        Values as text.
    """
    return pa.table({name: _without(keys[name], sorted(ignored)) for name in keys.column_names})


def _without(column: pa.ChunkedArray, ignored: Sequence[str]) -> pa.ChunkedArray:
    texts = _text(column)
    out = pc.is_in(texts, pa.array(ignored, pa.large_string()))
    if pa.types.is_large_string(column.type):
        out = pc.or_(out, pc.equal(pc.utf8_trim_whitespace(texts), ""))
    return pc.if_else(out.fill_null(False), pa.scalar(None, column.type), column)
