"""Relations: created and listed by a collection and by a client, shown with what they lead from and to."""

from __future__ import annotations

import pytest

import intempt_nb as inb


def record(name: str, *fields: str) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": [{"name": each, "type": "string"} for each in fields]}


@pytest.fixture
def orders(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """Orders, which refer to visitors."""
    visitors = shop.create_collection("visitors", record("visitors", "id"), kind="profile")
    visitors.create_identifier("visitor", fields=["id"])
    orders = shop.create_collection("orders", record("orders", "number", "by"), kind="event")
    orders.create_identifier("order", fields=["number"])
    orders.create_identifier("buyer", fields=["by"], type="foreign", references=visitors.primary)
    return orders


def test_a_relation_is_shown_with_what_it_leads_from_and_to(
    client: inb.Client, shop: inb.SourceHandle, orders: inb.CollectionHandle
) -> None:
    relation = orders.create_relation("ordered by", "buyer")
    for there in (orders.relations, client.relations):
        assert there["ordered by"] == there[relation.id] == relation
        words = str(there).splitlines()[-1].split("  ")
        assert [each.strip() for each in words if each] == [
            *("ordered by", "many_to_one", "buyer", "orders: by", "visitors: id", relation.id)
        ]
        assert "visitors: id" in there._repr_html_()
    assert not list(shop.collections["visitors"].relations)


def test_the_relations_of_a_web_source_lead_to_its_visitor(client: inb.Client) -> None:
    client.create_source("site", "js")
    assert {"page_visitor", "identify_visitor"} <= set(client.relations)
    assert str(client.relations).count("visitor: visitorId") == len(client.relations) == 5


def test_what_cannot_be_asked_for_leaves_the_rest_of_the_row(
    orders: inb.CollectionHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    relation = orders.create_relation("ordered by", "buyer")

    def refused(*_: object) -> None:
        raise inb.PermissionDeniedError("not yours", 403)

    monkeypatch.setattr("intempt_nb.api.endpoints.get_collection", refused)
    assert relation.identifier_id in str(orders.relations)


def test_only_what_refers_to_something_can_be_a_relation(orders: inb.CollectionHandle) -> None:
    with pytest.raises(inb.RejectedError, match="needs a foreign one"):
        orders.create_relation("is", "order")
