from __future__ import annotations

import pandas as pd
import pyarrow as pa

from intempt_nb.codecs.rows.frames import open_frame, open_table


def test_rows_are_numbered_as_iloc_has_them() -> None:
    table = open_frame(pd.DataFrame({"a": range(70_000)}, index=range(5, 70_005)))
    assert table.length == 70_000
    assert "iloc" in table.numbering
    for block in table.blocks():
        assert block.rows.to_pylist() == block.batch.column(0).to_pylist()


def test_the_digest_is_of_the_rows_not_of_the_chunks() -> None:
    table = pa.table({"a": range(10), "b": ["x", None] * 5})
    chunked = pa.concat_tables([table[:3], table[3:]])
    assert open_table(table).digest() == open_table(chunked).digest()
    assert open_table(table).digest() != open_table(table[1:]).digest()
