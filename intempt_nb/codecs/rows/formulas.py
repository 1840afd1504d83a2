"""Text that a spreadsheet would calculate, made harmless in a way that can be undone.

An apostrophe goes before what begins like a formula, and before what begins so behind apostrophes: so the first one of
``'=1+1`` can be taken away again, whoever put it there. Plain numbers such as ``-5`` are no formulas.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["guarded", "neutralised", "restored"]

_STARTS = "[=+\\-@\t\r\n＝＋－＠]"  # noqa: RUF001  (wide forms, which some spreadsheets take for the narrow ones)
_FORMULA = f"^'*{_STARTS}"
_BEHIND = f"^'+{_STARTS}"
_NUMBER = r"^[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?$"


def neutralised(texts: pa.Array) -> pa.Array:
    """Return texts as a spreadsheet may open them."""
    starts = pc.match_substring_regex(texts, _FORMULA)
    return _with_apostrophe(texts, pc.and_not(starts, pc.match_substring_regex(texts, _NUMBER)))


def guarded(texts: pa.Array) -> pa.Array:
    """Return texts so that `restored` gives them back; formulas stay as they are."""
    return _with_apostrophe(texts, pc.match_substring_regex(texts, _BEHIND))


def restored(texts: pa.Array) -> pa.Array:
    """Return the texts that :func:`neutralised` or :func:`guarded` was given."""
    behind = pc.match_substring_regex(texts, _BEHIND)
    if not pc.any(behind).as_py():
        return texts
    return pc.if_else(behind, pc.utf8_slice_codeunits(texts, 1), texts)


def _with_apostrophe(texts: pa.Array, chosen: pa.Array) -> pa.Array:
    if not pc.any(chosen).as_py():
        return texts
    return pc.if_else(
        chosen, pc.binary_join_element_wise(pa.scalar("'", texts.type), texts, pa.scalar("", texts.type)), texts
    )
