"""The notebook's variables."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from intempt_nb.errors import DataError
from intempt_nb.widgets import namespace


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


@pytest.mark.parametrize("name", ["", "1a", "a b", "class", "a.b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="cannot be a variable's name"):
        namespace.put(name, 1)
