"""Errors and reports in words for someone who clicks: what happened, and which control of the panel helps. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from intempt_nb.display import shorten
from intempt_nb.errors import ApiError, DeliveryUnknownError, IntemptError, ServerError, TransportError
from intempt_nb.transfer.jobs import SourceChangedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.transfer.report import UploadReport

__all__ = ["TWICE", "counted", "error_text", "in_panel_words", "no_primary", "summary"]

TWICE = (
    "This file was uploaded into the collection before, with other content. Its rows bring no key, and those made for "
    "them depend on the whole file: rows that are in both will be there twice. To put rejected rows right, upload them "
    "alone, with “Upload corrected rows” at the end of their upload. For keys that stay, delete what is there and "
    "choose, under Options, that keys are made from some columns, or from all that the row holds."
)

_LONG = 2_000
_NEW_KEY = " Make a client with the right key in a cell"

_PHRASES = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"pass encoding='([^']+)'; otherwise the encoding", r"set Encoding to \1; otherwise to the encoding"),
        (r"pass encoding='([^']+)'", r"set Encoding to \1"),
        (r"pass encoding= as it was saved", "set Encoding to what it was saved in"),
        (r"pass delimiter=('[^']*')", r"set “Between the cells” to \1"),
        (r"quotechar and delimiter of (.*) are both (\S+); .*", r"cells of \1 cannot have \2 between and around them"),
        (r"key=.* makes keys of text(.*); leave it out", r"keys are made of text\1; choose that none are made"),
        (r"key names", "the key is to be made from"),
        (
            r"(or )?pass what json.load gives(: a list of objects)?",
            r"\1read it with json.load and make a new panel of that",
        ),
        (r"or pass a DataFrame", "or make a DataFrame of it"),
        (r"Upload with resume=False to send every row again, or remove it:", "To send every row again, remove it:"),
        (r"then run the same again: it goes on from where it came to", "then go on from there"),
    )
)
"""What errors say to those who write Python, and how the panel says it."""


def in_panel_words(text: str) -> str:
    """Return an error's text with the panel's controls in place of arguments."""
    for pattern, words in _PHRASES:
        text = pattern.sub(words, text)
    return shorten(text, _LONG)


def no_primary(collection: str) -> str:
    """Return what to do about a collection that takes no rows yet."""
    return (
        f"{shorten(collection)} has no primary identifier, and takes no rows before it has one. Create it, in a cell: "
        "inb.widgets.IdentifierDesigner(collection). Then press Look again."
    )


def error_text(error: BaseException, label: str, *, again: bool) -> str:
    """Return what ended an upload, and what to do.

    Parameters
    ----------
    error
        What ended it.
    label
        What was uploaded.
    again
        Whether the panel offers to go on.
    """
    finds = "; a new panel of its collection finds this upload." if again else " and a new panel of its collection."
    match error:
        case ApiError(status=401):
            return f"The server did not take the API key (401).{_NEW_KEY}{finds}"
        case ApiError(status=403):
            return f"The API key may not write into this collection (403).{_NEW_KEY}{finds}"
        case ApiError(status=404 | 410 as status):
            return (
                f"The server has no such collection any more ({status}). Look whether it was deleted, or belongs to "
                "another organization than the client's."
            )
        case SourceChangedError():
            return (
                f"{label} is not what it was when its upload began, so that upload cannot go on. Upload it as another "
                "file; or put the old one back, and go on from there."
            )
        case TransportError() | ServerError() | DeliveryUnknownError() if again:
            return f"{in_panel_words(str(error))}\nOnce the server can be reached, go on from there."
        case IntemptError():
            return in_panel_words(str(error))
        case _:
            return shorten(f"{type(error).__name__}: {error}", _LONG)


def counted(report: UploadReport, before: int) -> str:
    """Return what came of an upload that was not ended early, in a line.

    Parameters
    ----------
    report
        Of the upload.
    before
        Rows that were there before it: of the upload whose rejected rows were put right.
    """
    if report.dry_run:
        told = f"{report.planned:,} of {report.rows:,} rows can be sent"
    elif report.rows and not report.accepted:
        which = "the row was not accepted" if report.rows == 1 else f"none of these {report.rows:,} rows was accepted"
        told = f"{which[0].upper()}{which[1:]}" + (f"; the {before:,} from before stay" if before else "")
    else:
        told = f"{report.accepted:,} of {report.rows:,} rows are in the collection"
    left = [
        f"{count:,} {word}" for count, word in ((report.rejected, "rejected"), (report.unknown, "unknown")) if count
    ]
    return f"{told}{'; ' if left else ''}{', '.join(left)}."


def summary(report: UploadReport, *, again: bool) -> Iterator[tuple[str, str]]:
    """Yield what a report says of itself, a label and a text each; `again`: whether the panel offers to go on."""
    for label, text in report._summary():
        match label:
            case "not sent again" if report.earlier is not None:
                since = f"{report.earlier.astimezone():%Y-%m-%d %H:%M}"
                yield "already there", f"{report.known:,}, since {since}"
            case "not tried again":
                yield label, f"{report.refused_before:,} that the server had refused before; put them right first"
            case "stopped":
                yield label, "before its end" + ("; go on with the button below" if again else "")
            case _:
                yield label, shorten(text, 1_000)
