"""Names out of pasted text: lines, the header of a CSV file, cells of a spreadsheet."""

from __future__ import annotations

import csv

from intempt_nb.errors import DataError

__all__ = ["names_in"]


def names_in(text: str) -> list[str]:
    """Return the names in a text, in order: separated by lines, tabs, commas or semicolons, with or without quotes.

    Raises
    ------
    DataError
        If the text cannot be cut into names.
    """
    found: list[str] = []
    for line in text.splitlines():
        delimiter = next((each for each in "\t,;" if each in line), ",")
        try:
            found += next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error as error:
            raise DataError(f"names cannot be read from what was pasted: {error}") from None
    return [name for name in (each.strip().strip("\ufeff") for each in found) if name]
