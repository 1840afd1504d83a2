"""The field table of a designer as one would first write it: a plain ipywidgets control for each cell."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets

from intempt_nb.errors import SchemaError
from intempt_nb.schema.schema import Schema

__all__ = ["PlainTable", "fields"]

TYPES = ("string", "int", "long", "float", "double", "boolean", "bytes")
WIDTHS = {"name": "160px", "type": "110px", "nullable": "40px", "logical": "150px", "display": "40px", "title": "160px"}


def fields(count: int) -> dict[str, Any]:
    """Return a schema with so many fields."""
    each = [
        {"name": f"field_{index}", "type": TYPES[index % len(TYPES)], "title": f"Field {index}", "display": True}
        for index in range(count)
    ]
    return {"type": "record", "name": "many", "fields": each}


class PlainTable:
    """A row of controls for each field, and below them what the schema core says.

    Attributes
    ----------
    box
        What is displayed.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.problems = widgets.HTML()
        # Without layouts that are shared there would be twice as many models.
        self.layouts = {name: widgets.Layout(width=width) for name, width in WIDTHS.items()}
        self.box = widgets.VBox([*(self._row(field) for field in schema["fields"]), self.problems])

    def _row(self, field: dict[str, Any]) -> widgets.HBox:
        controls = {
            "name": widgets.Text(field["name"], placeholder=field["name"], layout=self.layouts["name"]),
            "type": widgets.Dropdown(options=TYPES, value=field["type"], layout=self.layouts["type"]),
            "nullable": widgets.Checkbox(False, indent=False, layout=self.layouts["nullable"]),
            "logical": widgets.Dropdown(options=["", "date", "uuid"], value="", layout=self.layouts["logical"]),
            "display": widgets.Checkbox(field["display"], indent=False, layout=self.layouts["display"]),
            "title": widgets.Text(field["title"], layout=self.layouts["title"]),
        }
        for key, control in controls.items():
            control.observe(lambda change, key=key: self._set(field, key, change["new"]), "value")
        return widgets.HBox(list(controls.values()))

    def _set(self, field: dict[str, Any], key: str, value: Any) -> None:
        field[key] = value
        try:
            Schema.parse(self.schema)
            said = ""
        except SchemaError as error:
            said = f"<pre class='problem'>{escape(str(error))}</pre>"
        self.problems.value = said
