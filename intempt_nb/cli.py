"""The command line: ``intempt-nb demo`` and ``intempt-nb serve``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads annotations at run time
from typing import Annotated

import typer

from intempt_nb._version import __version__
from intempt_nb.errors import IntemptError

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # local variables may hold what should not be printed
    help="Notebook toolkit for the Intempt customer data platform.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold the options that come before a command."""


@app.command()
def demo(
    data: Annotated[Path | None, typer.Option(help="Folder with purchases.csv and flights.csv.")] = None,
) -> None:
    """Run the main job on the embedded sandbox: a CSV into a collection, and back out as a DataFrame."""
    from intempt_nb.demo import run

    run(data)


@app.command()
def serve(
    db: Annotated[Path, typer.Option(help="The SQLite file that keeps the data; made if it is not there.")],
    port: Annotated[int, typer.Option(help="Port on this machine; 0 for any free one.")] = 8787,
) -> None:
    """Run the sandbox alone, until Ctrl-C. The key is INTEMPT_API_KEY, or a new one that is printed."""
    from intempt_nb.server.serve import run

    run(db, port, announce=typer.echo)


def main() -> None:
    """Run the command line; a mistake of the user is a message, not a traceback."""
    try:
        app()
    except IntemptError as error:
        typer.echo(f"intempt-nb: {error}", err=True)
        raise SystemExit(1) from None
