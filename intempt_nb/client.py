"""`Client`: a connection to the platform, and `sandbox`, which starts one on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intempt_nb.api import endpoints
from intempt_nb.api.credentials import Secret, resolve_key
from intempt_nb.api.origin import DEFAULT_BASE_URL
from intempt_nb.display import html_table
from intempt_nb.handles import CollectionHandle, SourceHandle, list_collections, list_sources
from intempt_nb.links import relations_of
from intempt_nb.sandbox_handle import SandboxHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Self

    from duckdb import DuckDBPyConnection

    from intempt_nb.api.resources import Relation
    from intempt_nb.listing import Listing

__all__ = ["Client", "sandbox"]


class Client:
    """A connection to one organisation of the Intempt platform.

    Parameters
    ----------
    org
        The organisation, as it stands in the API's paths.
    api_key
        The key. None: the environment variable ``INTEMPT_API_KEY``, then the system's keyring (service ``intempt_nb``,
        user = `org`), then a prompt where someone can answer.
    base_url
        Where the API is. ``http://`` is taken for this machine only.
    timeout
        Seconds to wait for a connection and for each part of an answer: one number, or both.

    Raises
    ------
    ConfigurationError
        If no key can be had, or the address cannot be used.

    Attributes
    ----------
    sources, collections
        Mappings by name or id, with Tab completion: ``client.collections["flight-booking"]``.
    relations
        What refers to what in all collections: a mapping by name or id.
    sandbox
        For a client of a sandbox: what goes wrong there on demand, ``client.sandbox.faults(…)``.
    """

    def __init__(
        self,
        org: str,
        api_key: str | Secret | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout: float | tuple[float, float] = (10.0, 60.0),
    ) -> None:
        from intempt_nb.api.transport import Transport  # brings requests, which takes a tenth of a second

        key = resolve_key(api_key, org=org)
        del api_key  # a traceback that shows local variables must not show it
        self._transport = Transport(base_url, org, key, timeout=timeout)
        self._on_close: Callable[[], None] | None = None
        # Attributes rather than properties: IPython completes keys only of what it can reach without running code.
        self.sources: Listing[SourceHandle] = list_sources(self._transport)
        self.collections: Listing[CollectionHandle] = list_collections(self._transport)
        self.relations: Listing[Relation] = relations_of(self._transport)
        self.sandbox = SandboxHandle(self._transport, lambda url: Client(org, key, url, timeout))

    @property
    def org(self) -> str:
        """The organisation."""
        return self._transport.org

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._transport.base_url

    def create_source(
        self,
        name: str,
        type: str = "api",
        title: str | None = None,
        description: str | None = None,
    ) -> SourceHandle:
        """Create a source: in the sandbox only. The real service creates sources in its console.

        Parameters
        ----------
        name
            Unique in the organisation.
        type
            ``"api"`` (born empty), ``"js"`` (web tracker) or ``"ios"``; the last two are born with default
            collections, identifiers and relations.
        title, description
            For people.
        """
        source = endpoints.create_source(self._transport, name, type, title, description)
        return SourceHandle(self._transport, source.name, source)

    def duckdb(
        self,
        *collections: CollectionHandle | SourceHandle | str | Sequence[CollectionHandle | SourceHandle | str],
        limit: int | None = None,
    ) -> DuckDBPyConnection:
        """Return a DuckDB connection in which collections are tables, for SQL.

        The tables are copies, made now, in a database in memory of its own: queries ask nothing of the server, and what
        SQL changes in them stays there. The columns arrive as Arrow data in the schema's types; only decimals of more
        than 38 digits, which DuckDB has not, are text. Unions are JSON text, as :meth:`CollectionHandle.load` has them.
        The session's time zone is UTC, so that the day of an instant is the same on every machine; ``SET TimeZone``
        changes that.

        Parameters
        ----------
        collections
            Which, as handles, names or ids, or lists of these; a source stands for all that it has. None for all of the
            organisation.
        limit
            How many rows of each at most, the first ones; None for all, of which there may be 5,000,000 together.

        Returns
        -------
        duckdb.DuckDBPyConnection
            A collection is the table ``"source"."collection"``, and ``"collection"`` where no other has that name.
            Names with a dash or a blank, and words of SQL such as ``at``, need the double quotes:
            ``FROM "flight-booking"``. Capital and small letters are the same to DuckDB: a field that differs from an
            earlier one in that only has ``_1`` behind its name. A source whose name DuckDB keeps for itself (``main``,
            ``temp``, ``system``) has an underscore behind it. ``.sql(…).df()`` is a DataFrame, ``.pl()`` one of polars,
            which has no type for intervals (Avro's duration) and fails: select the other columns.

        Raises
        ------
        ConfigurationError
            If DuckDB is not installed.
        DataError
            If there are more rows than that (nothing is loaded then where the server counts them), or two collections
            would have the same table.

        Examples
        --------
        >>> db = client.duckdb("purchases", "customers")
        >>> db.sql("SELECT country, sum(amount) FROM purchases JOIN customers USING (customerId) GROUP BY country").df()
        """
        from intempt_nb.handover import collections_among, to_duckdb  # brings pyarrow

        chosen = collections_among(collections, self.collections) if collections else self.collections.values()
        return to_duckdb(list({each.id: each for each in chosen}.values()), limit)

    def close(self) -> None:
        """Close the connections; a sandbox that this client started is stopped. Calling it again does nothing."""
        self._transport.close()
        if self._on_close is not None:
            self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if not hasattr(self, "_transport"):  # a traceback may show a client that could not be made
            return "Client(not connected)"
        return f"Client(org={self.org!r}, base_url={self.base_url!r})"

    def _repr_html_(self) -> str:
        rows = [("organisation", self.org), ("address", self.base_url), ("key", "***")]
        return html_table(("Intempt client", ""), rows)


def sandbox(path: str | PathLike[str] | None = None) -> Client:
    """Start the embedded Intempt on this machine and return a client of it.

    Parameters
    ----------
    path
        The SQLite file that keeps its data; None for a sandbox that is gone when it is closed.

    Returns
    -------
    Client
        Also a context manager. Closing it, or the end of the program, stops the server.

    Raises
    ------
    ConfigurationError
        If the file is not a sandbox's, or the server cannot start.
    """
    from intempt_nb.server.serve import EmbeddedServer  # its web framework is needed only here

    server = EmbeddedServer() if path is None else EmbeddedServer(path)
    client = Client(server.org, server.api_key, server.url)
    client._on_close = server.stop
    return client
