"""The command line: ``intempt-nb demo``, ``intempt-nb serve`` and ``intempt-nb uploads``."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer looks at the annotations)
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

uploads_app = typer.Typer(invoke_without_command=True, help="List the uploads that this machine remembers.")
app.add_typer(uploads_app, name="uploads")


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
    """Run the sandbox alone, until Ctrl-C, with a demo page to click on. The key is INTEMPT_API_KEY, or a new one."""
    from intempt_nb.server.serve import run

    run(db, port, announce=typer.echo)


@uploads_app.callback()
def _list(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from intempt_nb.transfer.runs import uploads

        typer.echo(repr(uploads()))


@uploads_app.command()
def resume(
    upload_id: Annotated[str, typer.Argument(metavar="ID", help="The upload's id, or how it begins.")],
    base_url: Annotated[str | None, typer.Option(help="Where the server is now, if its port is another one.")] = None,
) -> None:
    """Go on with an upload that was broken off. The key is looked for as a client looks for it."""
    from intempt_nb.client import Client
    from intempt_nb.transfer.resuming import require_place, run_of
    from intempt_nb.transfer.runs import uploads

    found = uploads().find(upload_id)
    run = run_of(found)
    with Client(run.org, base_url=base_url or run.base_url) as client:
        require_place(run, client.base_url)
        typer.echo(repr(client.collections[run.collection_id].resume_upload(found)))


@uploads_app.command()
def forget(
    upload_id: Annotated[str | None, typer.Argument(metavar="ID", help="The upload's id, or how it begins.")] = None,
    finished: Annotated[bool, typer.Option("--finished", help="All uploads that are finished.")] = False,
) -> None:
    """Forget an upload: what is known of it, and the copy of its rows. To upload the same again sends every row."""
    from intempt_nb.transfer.runs import uploads

    if (upload_id is None) != finished:
        raise typer.BadParameter("give either an upload's id, or --finished")
    known = uploads()
    chosen = [run for run in known if run.state == "finished"] if upload_id is None else [known.find(upload_id)]
    for run in chosen:
        run.forget()
        typer.echo(f"forgot {run.id}")


def main() -> None:
    """Run the command line; a mistake of the user is a message, not a traceback."""
    try:
        app()
    except IntemptError as error:
        typer.echo(f"intempt-nb: {error}", err=True)
        raise SystemExit(1) from None
