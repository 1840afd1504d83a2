"""What a scan becomes: batches, a reader, a table, a DataFrame, or whatever takes Arrow's PyCapsule protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pyarrow as pa

from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from intempt_nb.schema.mapping.pandas import DtypeBackend

__all__ = ["Sinks"]


class Sinks(ABC):
    """Rows that are not read before a sink is called, and again for each; ``polars.DataFrame`` and DuckDB read them."""

    __slots__ = ()

    @property
    @abstractmethod
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the rows."""

    @abstractmethod
    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as record batches, each read when it is asked for."""

    def to_reader(self) -> pa.RecordBatchReader:
        """Return the rows as a reader, which reads them as it is read."""
        return pa.RecordBatchReader.from_batches(self.arrow_schema, self.to_batches())

    def to_arrow(self) -> pa.Table:
        """Return the rows as one Arrow table, in exactly the schema's types."""
        return pa.Table.from_batches(self.to_batches(), self.arrow_schema)

    def to_pandas(self, dtype_backend: DtypeBackend = "pyarrow") -> pd.DataFrame:
        """Return the rows as a DataFrame with a fresh index.

        Parameters
        ----------
        dtype_backend
            ``"pyarrow"`` keeps every type of the schema, gaps included; ``"numpy_nullable"`` and None (pandas' own) as
            pandas has them, which have none for dense unions: scan an Avro file with another `unions` then.
        """
        return to_frame(self.to_arrow(), dtype_backend)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows as an Arrow C stream (the PyCapsule interface)."""
        return self.to_reader().__arrow_c_stream__(requested_schema)
