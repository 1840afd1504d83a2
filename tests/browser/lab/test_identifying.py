"""Identifiers in a real JupyterLab: a key, and what refers to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from labkit import Lab

COLLECTIONS = """
import intempt_nb as inb
client = inb.sandbox()
source = client.create_source("mywebsource")
people = {"type": "record", "name": "person", "fields": [
    {"name": "visitorId", "type": "string"}, {"name": "name", "type": "string"}]}
bookings = {"type": "record", "name": "booking", "fields": [
    {"name": "eventId", "type": "string"}, {"name": "visitorId", "type": "string"},
    {"name": "price", "type": "double"}]}
visitors = source.create_collection("visitors", people, kind="profile")
visitors.create_identifier("visitor", fields=["visitorId"])
booking = source.create_collection("booking", bookings, kind="event")
"""


def test_a_primary_and_a_foreign_identifier_are_made(lab: Lab, desk: BrowserContext) -> None:
    lab.write("identifiers.ipynb", COLLECTIONS, "designer = inb.widgets.IdentifierDesigner(booking)\ndesigner")
    with lab.opened(desk, "identifiers.ipynb") as book:
        book.run()
        panel = book.output()
        panel.get_by_role("radio", name=re.compile("^primary")).check()
        panel.get_by_role("checkbox", name="eventId").check()
        panel.get_by_label("Name", exact=True).fill("profileId")
        book.shot("lab-identifier-primary")
        panel.get_by_role("button", name="Create identifier").click()
        expect(panel.get_by_role("region", name="Identifiers", exact=True)).to_contain_text("profileId")
        panel.get_by_role("radio", name=re.compile("^foreign")).check()
        panel.get_by_role("combobox", name="Refers to").select_option(
            label="mywebsource/visitors · visitor (visitorId: string)"
        )
        panel.get_by_role("checkbox", name="visitorId").check()
        panel.get_by_label("Name", exact=True).fill("foreignId")
        book.shot("lab-identifier-foreign")
        panel.get_by_role("button", name="Create identifier").click()
        expect(panel.get_by_role("region", name="Identifiers", exact=True)).to_contain_text("foreignId")
        book.shot("lab-identifiers")
        made = "[[each.type, each.name, each.reference_id] for each in booking.identifiers.values()]"
        visitor = book.value("visitors.primary.id")
        assert book.value(made) == [["primary", "profileId", None], ["foreign", "foreignId", visitor]]
        assert book.value("designer.identifier.name") == "foreignId"
