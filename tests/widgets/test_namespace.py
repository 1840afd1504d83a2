"""The notebook's variables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from intempt_nb.errors import DataError
from intempt_nb.widgets import namespace

if TYPE_CHECKING:
    import intempt_nb as inb


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The variables of a program that is no notebook."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    variables = vars(sys.modules["__main__"])
    before = dict(variables)
    yield variables
    variables.clear()
    variables.update(before)


def test_frames_are_found_by_name(main: dict[str, object]) -> None:
    frame = pd.DataFrame({"a": [1]})
    main.update(flights=frame, _hidden=frame, number=1)
    assert "flights" in namespace.frames()
    assert "_hidden" not in namespace.frames()
    assert "number" not in namespace.frames()
    assert namespace.frame_of("flights") is frame


def test_a_frame_that_is_gone_is_told(main: dict[str, object]) -> None:
    with pytest.raises(DataError, match="no DataFrame 'gone' any more"):
        namespace.frame_of("gone")


def test_a_value_gets_a_name(main: dict[str, object]) -> None:
    namespace.put("loaded", 1)
    assert main["loaded"] == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "cannot be a variable's name"),
        ("1a", "cannot be a variable's name"),
        ("a b", "cannot be a variable's name"),
        ("class", "class is a word of Python; choose another name"),
        ("print", "print is a function of Python; choose another name"),
        ("number", "number is an int in this notebook; choose another name"),
        ("pandas", "pandas is a module in this notebook"),
    ],
)
def test_a_name_that_is_none_or_taken_is_refused(main: dict[str, object], name: str, why: str) -> None:
    main.update(number=1, pandas=pd)
    before = dict(main)
    with pytest.raises(DataError, match=why):
        namespace.put(name, pd.DataFrame())
    assert main == before


def test_a_frame_takes_the_place_of_another(main: dict[str, object]) -> None:
    main.update(rows=pd.DataFrame(), list=pd.DataFrame(), later=None)
    for at, name in enumerate(("rows", "list", "later")):
        namespace.put(name, at)
    assert (main["rows"], main["list"], main["later"]) == (0, 1, 2)


def test_code_begins_with_the_notebooks_own_client_or_makes_one(main: dict[str, object], client: inb.Client) -> None:
    name, lines = namespace.client_code(client)
    assert (name, lines) == (
        "client",
        f'import intempt_nb as inb\n\nclient = inb.Client(org="{client.org}", base_url="{client.base_url}")\n',
    )
    main.update(_box=client, box=client)
    assert namespace.client_code(client) == ("box", "")
    assert namespace.client_code(client._transport) == ("box", "")
