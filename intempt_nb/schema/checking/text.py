"""What a value looks like as text, in a CSV cell: one grammar for inferring types and for reading values.

All patterns are RE2 (as Arrow's compute functions take them) and are matched against the whole cell, after white space
around it (all that Unicode calls so) is trimmed. Text columns keep their white space.
"""

from __future__ import annotations

__all__ = ["BOOLEAN", "DATE", "INTEGER", "NULL_TEXTS", "NUMBER", "PLAIN_INTEGER", "TIMESTAMP", "ZONE"]

NULL_TEXTS = ("", "NA", "N/A", "#N/A", "NULL", "null", "None", "NaN", "nan", "\\N")
"""Cells that mean "no value" in a column that is not text; in a text column only an empty, unquoted cell does."""

BOOLEAN = r"^(?i:true|false)$"
INTEGER = r"^-?[0-9]+$"
PLAIN_INTEGER = r"^(?:0|-?[1-9][0-9]*)$"
"""An integer that writes back as the same text: ``007`` is an identifier, not a 7."""
NUMBER = r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""ISO 8601 calendar date; a day that does not exist matches and fails to convert."""
ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
TIMESTAMP = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?$"
)
"""ISO 8601 date and time, to the minute or finer; without a zone it is read as UTC.

A day or a time that does not exist matches and fails to convert; a zone that does not exist does not match.
"""
