"""Who may do what: an API key stands for one source, or for the whole organisation.

Keys are kept and compared as SHA-256 digests. They are long random numbers, so the digest needs no salt and says
nothing about the key.

A key must not stand in a web page, where all can read it. There a source goes by its tracker number [ours]: public, and
good for nothing but to send events to that one source. It is random, so that only those find it who see the page.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.server.answers import HttpError, forbidden
from intempt_nb.server.ids import parse_id

if TYPE_CHECKING:
    from intempt_nb.server.store import Store

__all__ = ["Access", "authenticate", "authenticate_tracker", "digest_of", "new_key"]

_SCHEMES = ("apikey", "bearer")  # the second as a public client sends it [java]


@dataclass(frozen=True, slots=True)
class Access:
    """What a key opens.

    Parameters
    ----------
    source_id
        The one source; None for all of the organisation.
    """

    source_id: int | None

    def require(self, source_id: int) -> None:
        """Raise a 403 unless the key opens the source."""
        if self.source_id not in (None, source_id):
            raise forbidden(
                f"this API key belongs to source {self.source_id}; use the key of source {source_id}, or the "
                "organisation's"
            )

    def require_organization(self, what: str) -> None:
        """Raise a 403 unless the key is the organisation's."""
        if self.source_id is not None:
            raise forbidden(f"this API key belongs to source {self.source_id}; {what} needs the organisation's key")


def new_key() -> str:
    """Return a new API key."""
    return secrets.token_hex(20)


def digest_of(key: str) -> bytes:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def authenticate(header: str | None, organization: bytes, store: Store) -> Access:
    """Return what the key in an ``Authorization`` header opens.

    Parameters
    ----------
    header
        ``ApiKey <key>`` [seed] or ``Bearer <key>`` [java].
    organization
        The digest of the organisation's key.
    store
        Knows the keys of the sources.

    Raises
    ------
    HttpError
        401 without a key, or with one that is not known.
    """
    scheme, _, key = (header or "").strip().partition(" ")
    if scheme.lower() not in _SCHEMES or not key.strip():
        raise _unauthorized("no API key; send it in the header 'Authorization: ApiKey <key>'")
    digest = digest_of(key.strip())
    if hmac.compare_digest(digest, organization):
        return Access(None)
    with store.read() as tx:
        keys = tx.api_keys()
    # All are compared, so that the time taken does not tell which is the nearest.
    sources = [source_id for known, source_id in keys if hmac.compare_digest(digest, known)]
    if not sources:
        raise _unauthorized("this API key is not known here; use the one that the sandbox gave out")
    return Access(sources[0])


def authenticate_tracker(number: str, store: Store) -> Access:
    """Return what a tracker number opens: its source, which the one path that takes such numbers only writes to.

    Raises
    ------
    HttpError
        401 for a number that no source has.
    """
    found = parse_id(number)
    with store.read() as tx:
        source = None if found is None else tx.source_of_tracker(found)
    if source is None:
        raise HttpError(401, "no source has this tracker number; copy the snippet of the source once more")
    return Access(source.id)


def _unauthorized(message: str) -> HttpError:
    return HttpError(401, message, headers={"WWW-Authenticate": "ApiKey"})
