from __future__ import annotations

import ast
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.client import Client
from intempt_nb.widgets.designing.code import WIDTH, code_of, literal
from intempt_nb.widgets.designing.draft import Draft
from intempt_nb.widgets.designing.known import Known
from random_schemas import record

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_python_reads_what_json_said(value: Any) -> None:
    read = ast.literal_eval(literal(value))
    assert repr(read) == repr(value)


def test_what_fits_a_line_stands_in_one() -> None:
    value = {"fields": [{"name": f"field{index}", "type": ["null", "long"], "default": None} for index in range(3)]}
    text = literal(value)
    assert '        {"name": "field0", "type": ["null", "long"], "default": None},\n' in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_client_is_made_without_a_key() -> None:
    draft = Draft(record(), "things")
    for client, line in (
        (Client("OrgABC", "k"), 'client = inb.Client(org="OrgABC")'),
        (Client("a", "k", "https://eu.example.com"), 'client = inb.Client(org="a", base_url="https://eu.example.com")'),
    ):
        assert line in code_of(draft, Known(client._transport, (), True, ())).splitlines()
