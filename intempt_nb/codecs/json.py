"""The JSON of the API: pages of items → tables, tables → the bodies of bulk uploads.

What each type looks like on the wire is said in :mod:`intempt_nb.codecs.wire`.
"""

from __future__ import annotations

from intempt_nb.codecs.bodies import EncodedRows, Nulls, body, cut, encode_rows, join_rows
from intempt_nb.codecs.pages import Page, read_page

__all__ = ["EncodedRows", "Nulls", "Page", "body", "cut", "encode_rows", "join_rows", "read_page"]
