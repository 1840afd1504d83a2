"""The PySpark data source ``intempt``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from pyspark.sql.datasource import DataSource
from pyspark.sql.pandas.types import from_arrow_schema

from intempt_nb.engines.spark.reading import BatchReader, Collected, StreamReader, own_schema
from intempt_nb.engines.spark.settings import Home, Settings
from intempt_nb.engines.spark.writing import BatchWriter, StreamWriter, Writing

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

__all__ = ["IntemptDataSource", "source_for"]


class IntemptDataSource(DataSource):
    """Collections as Spark reads and writes them; see :func:`intempt_nb.engines.spark.register`.

    Registered by itself, ``spark.dataSource.register(IntemptDataSource)``, it needs the options ``org`` and ``baseUrl``
    (for another server than the API's own); each worker then keeps its own machine's rate, and the reports are in the
    log of the driver's Python workers.
    """

    home: ClassVar[Home | None] = None

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "intempt"

    def schema(self) -> StructType | pa.Schema:
        """Return the collection's columns."""
        settings = Settings.of(self.options, self.home)
        arrow = own_schema(settings.find(), settings.columns)
        # Sail cannot make instants out of Spark's schema, and Spark takes no other.
        return arrow if "pysail" in sys.modules else from_arrow_schema(arrow, prefer_timestamp_ntz=True)

    def reader(self, schema: StructType) -> BatchReader:
        """Return what reads all items."""
        return BatchReader(Collected.of(Settings.of(self.options, self.home), schema))

    def streamReader(self, schema: StructType) -> StreamReader:  # noqa: N802  (Spark's name)
        """Return what reads items as they come in."""
        return StreamReader(Collected.of(Settings.of(self.options, self.home), schema))

    def writer(self, schema: StructType, overwrite: bool) -> BatchWriter:
        """Return what writes rows."""
        return BatchWriter(Writing.of(Settings.of(self.options, self.home), schema, overwrite=overwrite))

    def streamWriter(self, schema: StructType, overwrite: bool) -> StreamWriter:  # noqa: N802  (Spark's name)
        """Return what writes rows batch by batch."""
        return StreamWriter(Writing.of(Settings.of(self.options, self.home), schema, overwrite=overwrite))


def source_for(home: Home) -> type[IntemptDataSource]:
    """Return the data source of a client; Spark's processes get it by value, with what it knows."""
    return type(IntemptDataSource.__name__, (IntemptDataSource,), {"home": home})
