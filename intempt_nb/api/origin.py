"""Where requests may go: the one origin a key was given for, and the API's paths below it.

Of a sandbox they are also the paths by which it is set up, ``/_sandbox/…``.

An address is never sent as it came. It is compared with the origin, then built anew from the origin and its own path
and query, so that no difference between two URL parsers can carry a key elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

from intempt_nb.display import shorten
from intempt_nb.errors import ConfigurationError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_BASE_URL", "ApiRoot", "Origin"]

DEFAULT_BASE_URL: Final = "https://api.intempt.com"

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454), in lower case and with the default port filled in."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Self:
        """Return the origin of an absolute URL.

        Raises
        ------
        ValueError
            It is not an absolute http or https URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("not an absolute http or https URL")
        port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
        return cls(parts.scheme, parts.hostname, port)

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by name or number: localhost, 127.0.0.0/8, ::1."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        """Return the origin as a URL without a path; the port only if it is not the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}")


@dataclass(frozen=True, slots=True)
class ApiRoot:
    """The address of one organisation's API.

    Parameters
    ----------
    origin
        The only place requests go to.
    prefix
        The path in front of ``/v1/``, without a slash at its end; normally empty.
    org
        The organisation, as text.
    """

    origin: Origin
    prefix: str
    org: str

    @classmethod
    def parse(cls, base_url: str, org: str) -> Self:
        """Check a base URL and an organisation.

        Raises
        ------
        ConfigurationError
            The URL is not https (http is taken for loopback hosts only), or holds a user name, query or fragment;
            or the organisation is empty.
        """
        try:
            parts, origin = urlsplit(base_url), Origin.of(base_url)
        except ValueError:
            raise ConfigurationError("base_url must be an absolute URL, for example https://api.intempt.com") from None
        if parts.username is not None or parts.password is not None:
            raise ConfigurationError("base_url must not hold a user name or password; the API key is given as api_key")
        if parts.query or parts.fragment:
            raise ConfigurationError("base_url must not hold a query or fragment")
        if any(character <= " " or character == "\\" for character in base_url):
            raise ConfigurationError("base_url must not hold white space or backslashes")
        if origin.scheme != "https" and not origin.is_loopback:
            raise ConfigurationError(
                f"base_url must begin with https:// because the API key travels with every request; {origin} would "
                "send it in the clear (http is for this machine only)"
            )
        if not isinstance(org, str) or org in ("", ".", ".."):
            raise ConfigurationError(
                "org must be the name of your organisation, as in https://api.intempt.com/v1/{org}"
            )
        return cls(origin, parts.path.rstrip("/"), org)

    def url(self, href: str, params: Mapping[str, str | int | None] | None = None) -> str:
        """Return the URL to request for a path or link.

        Parameters
        ----------
        href
            An absolute URL, a path from the root (``/v1/…``), or a path below ``/v1/{org}/``.
        params
            Added to the query; those that are None are left out.

        Raises
        ------
        TransportError
            It leads to another origin, or out of the API's paths.
        """
        root = f"{self.origin}{self.prefix}/v1/{quote(self.org, safe='')}/"
        try:
            parts = urlsplit(urljoin(root, href))
            target = Origin.of(parts.geturl())
        except ValueError:
            raise TransportError(f"not an address this package can request: {shorten(href)!r}") from None
        if target != self.origin:
            raise TransportError(
                f"a link leads to {shorten(str(target))}, but the API key belongs to {self.origin}: "
                "nothing was sent there"
            )
        ours = (f"{self.prefix}/v1/", f"{self.prefix}/_sandbox/")
        if not parts.path.startswith(ours) or {".", ".."} & set(unquote(parts.path).split("/")):
            raise TransportError(f"a link leads out of the API: {shorten(parts.path)!r}; nothing was sent there")
        added = urlencode({name: value for name, value in (params or {}).items() if value is not None})
        query = "&".join(part for part in (parts.query, added) if part)
        return f"{self.origin}{parts.path}" + (f"?{query}" if query else "")
