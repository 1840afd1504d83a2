"""What ``requests`` is told: to follow no redirect, and to show no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from requests.auth import AuthBase

if TYPE_CHECKING:
    from intempt_nb.api.credentials import Secret

__all__ = ["KeyHeader", "PlainSession"]


class PlainSession(requests.Session):
    """A session that finds no redirect in any answer: requests would prepare the next request even unasked."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find none, whatever the answer says."""


class _HeaderValue(str):
    """A header's text that shows itself as ``***``: tracebacks print the headers of requests under way."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


class KeyHeader(AuthBase):
    """Puts the key on a request at the last moment; nothing else ever holds the header."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key on a request."""
        request.headers["Authorization"] = _HeaderValue(f"ApiKey {self._key.reveal()}")
        return request
