"""The snippet of a web source: what goes into the head of its pages.

The real service's snippet is copied from its console and not documented; this one is the sandbox's own [ours], and has
``window._intempt['NUMBER'].track(…)`` of seed 000 work from its first line on: what is tracked before the script has
come waits for it in the page, as it was at the call, and is lost only if the script never comes. Browsers keep the
script for some minutes, so that a sandbox which is away for a moment is no reason.
"""

from __future__ import annotations

from intempt_nb.server.answers import to_json

__all__ = ["SCRIPT", "snippet"]

SCRIPT = "intempt.min.js"
"""The script's name: the one that the console lines of seed 000 begin with. It is not made smaller."""

_TEMPLATE = """\
<script>
  (function (number, events) {
    var trackers = (window._intempt = window._intempt || {}), early = [];
    function track(name, data) {
      try { data = JSON.parse(JSON.stringify(data)); } catch (error) {}
      early.push([Date.now(), [name, data]]);
    }
    trackers[number] = trackers[number] || { events: events, early: early, track: track };
  })(%s, %s);
</script>
<script async src=%s></script>"""


def snippet(base: str, number: int) -> str:
    """Return the HTML that starts the tracker of a source.

    Parameters
    ----------
    base
        ``http://host:port/v1/org``, without a slash at its end.
    number
        The source's tracker number.
    """
    trackers = f"{base}/trackers"
    return _TEMPLATE % (_quoted(str(number)), _quoted(f"{trackers}/{number}/events"), _quoted(f"{trackers}/{SCRIPT}"))


def _quoted(text: str) -> str:
    """Return text in quotes, as a script and an attribute take it; nothing in it ends either."""
    escaped = {"&": "%26", "<": "%3C", ">": "%3E", '"': "%22", "'": "%27", "\\": "%5C"}
    return to_json("".join(escaped.get(each, each) for each in text))
