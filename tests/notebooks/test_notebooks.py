"""Every notebook runs from top to bottom, and is stored without outputs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def run(path: Path) -> Any:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    return notebook


def shown(notebook: Any, source: str) -> str:
    """All the text that the cells containing `source` put out."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and source in cell.source:
            for output in cell.outputs:
                texts.append(output.get("text", ""))
                texts += [str(value) for value in output.get("data", {}).values()]
    return "\n".join(texts)


def table(notebook: Any, source: str) -> list[list[float]]:
    """The numbers in each line of what the first cell containing `source` shows."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source)
    (text,) = (output.data["text/plain"] for output in cell.outputs)
    return [[float(each) for each in re.findall(r"-?\d+\.\d+", line)] for line in text.splitlines()]


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "01-quickstart.ipynb",
        "02-design-a-collection.ipynb",
        "03-upload-a-csv.ipynb",
        "04-explore-and-join.ipynb",
        "05-predict-repeat-purchase.ipynb",
        "06-track-a-web-page.ipynb",
        "07-scale-out.ipynb",
        "08-schemas.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_the_quickstart_does_what_it_says() -> None:
    notebook = run(FOLDER / "01-quickstart.ipynb")
    assert "customerId" in shown(notebook, "infer_schema")
    assert "6,919" in shown(notebook, 'upload("../data/purchases.csv")')
    rejects = shown(notebook, "report.rejects")
    assert "1997-02-30" in rejects
    assert "not a whole number" in rejects
    assert "date32" in shown(notebook, "df.dtypes")
    assert "(1000, 2)" in shown(notebook, "to_arrow().shape")
    assert_quiet(notebook)


def source_with(notebook: Any, text: str) -> str:
    """The first code cell that contains `text`."""
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code" and text in cell.source)


def test_the_design_notebook_does_in_python_what_its_panels_show() -> None:
    notebook = run(FOLDER / "02-design-a-collection.ipynb")
    assert "CollectionDesigner" in shown(notebook, "designer = inb.widgets.CollectionDesigner")
    assert source_with(notebook, "inb.Schema.parse(") in shown(notebook, "print(designer.code)")
    assert "True" in shown(notebook, "collection.schema == designer.schema")
    assert "no changes" in shown(notebook, "again.schema.diff")
    assert "IdentifierDesigner" in shown(notebook, "keys = inb.widgets")
    assert "would do" in shown(notebook, 'check_identifier(collection, ["tailnum"]')
    assert "3,322" in shown(notebook, "collection.upload")
    assert "2,925 rows have a key that is not in planes" in shown(notebook, "check_identifier(flights")
    assert not (FOLDER / "planes.json").exists()
    assert_quiet(notebook)


def test_the_upload_notebook_does_in_python_what_its_panel_shows() -> None:
    notebook = run(FOLDER / "03-upload-a-csv.ipynb")
    assert "UploadPanel" in shown(notebook, "inb.widgets.UploadPanel")
    for line in source_with(notebook, "collection.upload(").splitlines()[:2]:
        assert alike(line) in alike(shown(notebook, "print(panel.code)"))
    assert "1,000" in shown(notebook, "collection.upload(")
    assert shown(notebook, "report.rejects").count("discs") == 2 * 10  # as text and as HTML
    assert "10" in shown(notebook, "report.retry(")
    assert "1000" in shown(notebook, "len(purchases.load())")
    assert not list(FOLDER.glob("*.csv"))
    assert_quiet(notebook)


def alike(code: str) -> str:
    """Python without the folder that a file is in, its literals written in one way."""
    return ast.unparse(ast.parse(code.replace(f"{FOLDER}/", "")))


def assert_quiet(notebook: Any) -> None:
    """No cell failed or warned."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert all(output.output_type != "error" and output.get("name") != "stderr" for output in outputs)


def test_the_join_notebook_does_what_it_says() -> None:
    notebook = run(FOLDER / "04-explore-and-join.ipynb")
    assert "planes: tailnum" in shown(notebook, "client.relations")
    assert "Profile of 20,000 rows" in shown(notebook, "flights.profile")
    assert "611 keys: 'N725MQ' (38 rows" in shown(notebook, "inb.analysis.join(")
    assert "0.2236" in shown(notebook, "groupby(joined.matched)")
    assert "image/png" in str([cell.outputs for cell in notebook.cells if "new_axes" in cell.source])
    assert "0.327" in shown(notebook, "client.duckdb(")  # ExpressJet's, as in the picture
    assert_quiet(notebook)


def test_the_prediction_notebook_does_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # beside other tests, threads that wait for each other take minutes
    notebook = run(FOLDER / "05-predict-repeat-purchase.ipynb")
    base = [numbers[-1] for numbers in table(notebook, "y.groupby(")[1:]]
    assert len(base) == 4
    assert base == sorted(base, reverse=True)  # fewer from day to day
    errors = [numbers[-1] for numbers in table(notebook, "for leaves, p in trees")[:3]]
    assert errors == sorted(errors)  # the smallest trees are the best
    order, error, promised = (numbers[-3:] for numbers in table(notebook, "quantile([0.025")[1:])
    assert order[0] < 0 < order[2]  # no better order
    assert error[2] < 0  # better probabilities
    assert promised[0] > 0  # too many promised
    for plot in ("plots.lift(", "plots.calibration("):
        assert "image/png" in str([cell.outputs for cell in notebook.cells if plot in cell.source])
    assert "repeatProbability" in shown(notebook, "nlargest(")
    assert "model.skops" in shown(notebook, "ModelBundle(")
    assert "the files give the same predictions" in shown(notebook, "bundle.check(")
    assert not (FOLDER / "repeat-purchase").exists()
    assert_quiet(notebook)


def test_the_schemas_notebook_does_what_it_says() -> None:
    notebook = run(FOLDER / "08-schemas.ipynb")
    assert "could be the identifier: visitId" in shown(notebook, 'infer_schema(visits, "visit")')
    assert "1 of 3 values does not fit" in shown(notebook, "inferred.evidence.loc")
    problems = shown(notebook, "booked-at")
    assert "did you mean 'string'?" in problems
    assert "/fields/2/default" in problems
    assert "string True" in shown(notebook, "from_arrow(arrow) == booking")
    assert "MISSING_ENUM_SYMBOLS" in shown(notebook, "newer.compatibility")
    assert "type: int → long" in shown(notebook, "booking.diff")
    assert "no such day (row 1)" in shown(notebook, "booking.check(frame)")
    assert "not a symbol of the enum" in shown(notebook, "booking.validate")
    assert "True True" in shown(notebook, "scan_avro")
    assert not (FOLDER / "bookings.avro").exists()
    assert_quiet(notebook)


def test_the_tracking_notebook_does_what_it_says() -> None:
    notebook = run(FOLDER / "06-track-a-web-page.ipynb")
    assert "window._intempt[" in shown(notebook, 'create_source("myshop"')
    assert "flight-booking" in shown(notebook, "demo.collections")
    assert "queued=0" in shown(notebook, "inb.Tracker(demo)")
    assert "DEN" in shown(notebook, "counts.tail()")
    (picture,) = (cell for cell in notebook.cells if "new_axes" in cell.source)
    assert "image/png" in picture.outputs[-1]["data"]
    assert_quiet(notebook)


def test_the_scale_out_notebook_does_what_it_says() -> None:
    notebook = run(FOLDER / "07-scale-out.ipynb")
    assert "8,000" in shown(notebook, 'timed("upload", "Dask"')
    assert "1000" in shown(notebook, "report.partitions[[")
    assert "pandas held" in shown(notebook, "load_and_sum")
    assert "(8000, 8000)" in shown(notebook, "prepared.count()")
    assert "image/png" in str([cell.outputs for cell in notebook.cells if "new_axes" in cell.source])
    assert "(8000, 8000)" in shown(notebook, "signal.SIGKILL")  # none lost, none twice
    assert "no column for the primary key, 'eventId'" in shown(notebook, "except inb.ConfigurationError")
    assert_quiet(notebook)
