"""Defining collections in a real JupyterLab, by mouse and keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from labkit import Lab

BOOKING = Path(__file__).parents[2] / "api" / "payloads" / "collection_request.json"
NOTHING = """
import intempt_nb as inb
client = inb.sandbox()
source = client.create_source("mywebsource", type="js", title="myWebSource")
designer = inb.widgets.CollectionDesigner(source)
designer
"""
INFERRED = """
import intempt_nb as inb
client = inb.sandbox()
designer = inb.widgets.CollectionDesigner(client.create_source("airline"))
designer
"""


def test_the_booking_of_the_documentation_is_defined_from_nothing(lab: Lab, desk: BrowserContext) -> None:
    booking = json.loads(BOOKING.read_text("utf-8"))
    schema = booking["schema"]
    lab.write("booking.ipynb", NOTHING)
    with lab.opened(desk, "booking.ipynb") as book:
        book.run()
        panel = book.output()
        panel.get_by_label("Collection name").fill(booking["name"])
        panel.get_by_role("radio", name="event").check()
        panel.get_by_text("Record of the schema").click()
        panel.get_by_label("Record name").fill(schema["name"])
        panel.get_by_label("Namespace").fill(schema["namespace"])
        panel.get_by_role("button", name="Add field").click()
        for index, field in enumerate(schema["fields"]):
            expect(panel.get_by_label(f"Name of field {index + 1}")).to_be_focused()
            book.keyboard.type(field["name"])
            if index < len(schema["fields"]) - 1:
                book.keyboard.press("Enter")
        for field in schema["fields"]:
            if "title" in field:
                panel.get_by_label(f"Title of {field['name']}").fill(field["title"])
                panel.get_by_label(f"Display of {field['name']}").select_option("yes")
        panel.get_by_label("Logical type of bookingDate").select_option("date")
        expect(panel.get_by_text("No problems")).to_be_visible()
        book.shot("lab-booking")
        panel.get_by_role("button", name="Create collection").click()
        expect(panel.get_by_text("The collection was created")).to_be_visible()
        book.shot("lab-booking-created")
        book.value("globals().update(made=client.collections['flight-booking'])")
        assert book.value("made.schema.to_avro()") == schema
        assert book.value("[made.kind, made.source.name]") == ["event", "mywebsource"]
        assert book.value("designer.collection.id == made.id")


def test_a_collection_is_inferred_from_a_file_and_two_types_are_changed(
    lab: Lab, desk: BrowserContext, data: Path
) -> None:
    lab.write("inferring.ipynb", INFERRED)
    with lab.opened(desk, "inferring.ipynb") as book:
        book.run()
        panel = book.output()
        panel.get_by_role("button", name="Infer from data").click()
        panel.get_by_label("File where the kernel runs", exact=True).fill(str(data / "flights.csv"))
        book.keyboard.press("Enter")
        expect(panel.get_by_label("Name of field 19")).to_have_value("time_hour")
        panel.get_by_label("Collection name").fill("flights")
        panel.get_by_role("radio", name="event").check()
        panel.get_by_label("Type of flight", exact=True).select_option("string")
        panel.get_by_label("Type of air_time", exact=True).select_option("double")
        book.shot("lab-inferred")
        panel.get_by_role("tab", name="Python").click()
        expect(panel.get_by_role("region", name="Python that does the same")).to_contain_text('kind="event"')
        book.shot("lab-inferred-code")
        panel.get_by_role("button", name="Create collection").click()
        expect(panel.get_by_text("The collection was created")).to_be_visible()
        types = book.value("{each.name: str(each.type) for each in client.collections['flights'].schema.to_arrow()}")
        assert types["flight"] == "string"
        assert types["air_time"] == "double"
        assert types["year"] == "int64"
