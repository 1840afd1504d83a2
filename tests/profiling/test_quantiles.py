"""Quantiles beyond what is kept exactly: within the bound that they state, in memory that does not grow."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intempt_nb.profiling import quantiles
from intempt_nb.profiling.profile import ColumnProfile, profile
from peak import peak_growth


def ranks_off(found: ColumnProfile, values: np.ndarray) -> float:
    """Return by what share of the values the worst quantile is off."""
    ordered = np.sort(values)
    worst = 0
    for share, value in found.quantiles:
        first, last = np.searchsorted(ordered, value, "left") + 1, np.searchsorted(ordered, value, "right")
        wanted = -(-round(share * 100) * len(ordered) // 100)
        assert first <= last, "a quantile is a value that occurs"
        worst = max(worst, first - wanted, wanted - last)
    return worst / len(ordered)


@given(
    st.integers(0, 2**32),
    st.integers(1, 3000),
    st.sampled_from([5, 500, 10**6]),
    st.lists(st.integers(1, 400), max_size=9),
)
@settings(max_examples=60)
def test_ranks_are_within_the_stated_error(seed: int, rows: int, spread: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-spread, spread, rows)
    cuts = np.minimum(np.cumsum([0, *sizes * 40]), rows)
    parts = [values[a:b] for a, b in zip(cuts, [*cuts[1:], rows], strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantiles, "MOST_EXACT", 64)
        patch.setattr(quantiles, "MOST_KEPT", 32)
        found = profile(pa.table({"c": pa.chunked_array(parts)}))["c"]
    assert ranks_off(found, values) <= found.quantile_error
    levels = max(np.log2(rows / 64) + 1, 0)
    assert found.quantile_error <= levels / 64 + 8 / rows  # half a step each time that a run was cut down, rounded up
    if len(set(values.tolist())) <= 64:
        assert found.quantile_error == 0


@pytest.mark.parametrize("order", ["random", "repeated"])
def test_a_million_rows_are_within_two_hundredths_of_a_percent(order: str) -> None:
    values = np.random.default_rng(1).permutation(1_000_000)
    if order == "repeated":
        values //= 10
    whole = profile(pa.table({"c": values}))
    found = whole["c"]
    assert 0 < found.quantile_error <= 0.0002
    assert ranks_off(found, values) <= found.quantile_error
    assert f"about {found.median}" in str(whole)
    assert "right within 0.0" in str(found)


def test_few_different_values_are_exact_however_many_rows() -> None:
    values = np.repeat(np.arange(60_000), 5)
    found = profile(pa.table({"c": np.random.default_rng(1).permutation(values)}))["c"]
    assert (found.median, found.quantile_error) == (29_999, 0)


SETUP = """
import numpy as np
import pyarrow as pa
from intempt_nb.profiling.profile import profile

def rows(batches):
    rng = np.random.default_rng(1)
    for at in range(batches):
        yield pa.record_batch({"at": rng.integers(0, 2**60, 1 << 16).view("datetime64[us]")})

def look(batches):
    return profile(pa.RecordBatchReader.from_batches(next(rows(1)).schema, rows(batches)))

look(12)
"""


def test_memory_does_not_grow_with_the_rows() -> None:
    grown = peak_growth("assert look(72)['at'].quantile_error", SETUP)
    assert grown < 20e6  # of 38 MB of rows; three times as many take no more
