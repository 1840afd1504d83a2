"""Random Avro schemas, random changes to them (of fields, types, names, symbols and sizes), and values of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

__all__ = ["PRIMITIVES", "PROMOTED", "Maker", "Values", "decimal", "enum", "field", "fixed", "has_union", "record"]

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
PROMOTED = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def record(*fields: Any, name: str = "R", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, **more, "fields": list(fields)}


def field(name: str, avro: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": avro, **more}


def enum(*symbols: str, name: str = "E", **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(size: int, name: str = "F", **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size, **more}


def decimal(precision: int, scale: int, base: Any = "bytes") -> dict[str, Any]:
    inside = base if isinstance(base, dict) else {"type": base}
    return {**inside, "logicalType": "decimal", "precision": precision, "scale": scale}


class Maker:
    """Random schemas, and random changes to them, with every name in full so that no peer has to find it out."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.count = 0
        self.known: list[str] = []

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def type(self, depth: int) -> Any:
        kinds = ["primitive"] * 4 + (["array", "map", "union", "union", "enum", "fixed", "record"] if depth else [])
        match self.chance.choice(kinds + (["known"] if self.known else [])):
            case "array":
                return {"type": "array", "items": self.type(depth - 1)}
            case "map":
                return {"type": "map", "values": self.type(depth - 1)}
            case "union":
                return self.union(depth)
            case "enum":
                self.known.append(self.fresh("x.E"))
                return enum(*self.chance.sample("ABCD", 3), name=self.known[-1])
            case "fixed":
                return fixed(self.chance.randint(1, 4), self.fresh("x.F"))
            case "record":
                return self.record(depth)
            case "known":  # inside a list, so that a record that contains itself has an end
                return {"type": "array", "items": self.chance.choice(self.known)}
            case _:
                return self.chance.choice(PRIMITIVES)

    def union(self, depth: int) -> Any:
        branches: list[Any] = self.chance.sample(PRIMITIVES, self.chance.randint(1, 3))
        if self.chance.random() < 0.5:
            branches.append(
                self.record(depth) if self.chance.random() < 0.5 else enum("A", "B", name=self.fresh("y.E"))
            )
        return branches

    def record(self, depth: int) -> Any:
        name = self.fresh("x.R")
        self.known.append(name)
        return record(*(self.field(depth - 1) for _ in range(self.chance.randint(1, 4))), name=name)

    def field(self, depth: int) -> Any:
        return field(self.fresh("f"), self.type(depth))

    def changed(self, schema: Any) -> Any:
        schema = json.loads(json.dumps(schema))
        for _ in range(self.chance.randint(0, 3)):
            schema = self.change(schema)
        return schema

    def change(self, schema: Any) -> Any:
        """Change one of all the things in a schema."""
        objects = [each for each in walk(schema) if isinstance(each, dict)]
        chosen = self.chance.choice(objects)
        if isinstance(chosen.get("fields"), list) and self.chance.random() < 0.6:
            self.change_fields(chosen)
        elif "symbols" in chosen and self.chance.random() < 0.7:
            self.change_symbols(chosen)
        elif "size" in chosen and self.chance.random() < 0.5:
            chosen["size"] = self.chance.randint(1, 4)
        elif chosen.get("name", "").count("."):
            return self.rename(schema, chosen)
        else:
            key = next(each for each in ("items", "values", "type") if each in chosen)
            inner = chosen[key]
            if isinstance(inner, str) and inner in PRIMITIVES:
                chosen[key] = self.chance.choice([*sorted(PROMOTED.get(inner, ())), *PRIMITIVES, ["null", inner]])
            elif isinstance(inner, list):
                chosen[key] = self.chance.choice([[*inner, "null"], inner[1:], inner[::-1], (inner or ["int"])[-1]])
            else:
                chosen[key] = self.chance.choice([["null", inner], inner])
        return schema

    def change_fields(self, chosen: Any) -> None:
        fields = chosen["fields"]
        match self.chance.choice(["drop", "add", "default", "order", "rename", "alias"]):
            case "drop" if fields:
                fields.pop(self.chance.randrange(len(fields)))
            case "add":
                fields.append(self.field(1))
            case "default":
                fields.append(field(self.fresh("f"), ["null", "int"], default=None))
            case "order":
                self.chance.shuffle(fields)
            case "rename" if fields:
                self.chance.choice(fields)["name"] = self.fresh("f")
            case "alias" if fields:
                renamed = self.chance.choice(fields)
                renamed.update(name=self.fresh("f"), aliases=[renamed["name"]])

    def change_symbols(self, chosen: Any) -> None:
        if self.chance.random() < 0.5:
            chosen["symbols"] = self.chance.sample("ABCD", self.chance.randint(1, 4))
            chosen.pop("default", None)
        else:
            chosen["default"] = self.chance.choice(chosen["symbols"])

    def rename(self, schema: Any, chosen: Any) -> Any:
        old, new = chosen["name"], f"{self.chance.choice('xz')}.{self.fresh('N')}"
        text = json.dumps(schema).replace(f'"{old}"', f'"{new}"')
        if self.chance.random() < 0.6:
            text = text.replace(f'"name": "{new}"', f'"name": "{new}", "aliases": ["{old}"]')
        return json.loads(text)


class Values:
    """Random values of a schema, as short as it allows where it is deep."""

    def __init__(self, chance: random.Random, schema: Any) -> None:
        self.chance = chance
        self.named: dict[str, Any] = {}
        self.find(schema)

    def find(self, avro: Any) -> None:
        for each in avro if isinstance(avro, list) else [avro]:
            if isinstance(each, dict):
                self.named.setdefault(each.get("name", ""), each)
                for inner in [each.get("items"), each.get("values"), *(f["type"] for f in each.get("fields", []))]:
                    self.find(inner)

    def of(self, avro: Any, depth: int = 0) -> Any:
        if isinstance(avro, list):
            return self.of(self.chance.choice(avro), depth)
        avro = self.named.get(avro, avro) if isinstance(avro, str) else avro
        count = self.chance.randint(0, 2) if depth < 4 else 0
        match avro if isinstance(avro, str) else avro["type"]:
            case "record":
                return {each["name"]: self.of(each["type"], depth + 1) for each in avro["fields"]}
            case "enum":
                return self.chance.choice(avro["symbols"])
            case "fixed":
                return b"x" * avro["size"]
            case "array":
                return [self.of(avro["items"], depth + 1) for _ in range(count)]
            case "map":
                return {f"k{number}": self.of(avro["values"], depth + 1) for number in range(count)}
            case primitive:
                choices: dict[str, list[Any]] = {
                    "null": [None],
                    "boolean": [True, False],
                    "int": [0, -1, 2**31 - 1],
                    "long": [0, -(2**63)],
                    "float": [0.0, 1.5],
                    "double": [0.0, 1e300],
                    "bytes": [b"", b"bytes"],  # ASCII, since not all bytes are a string
                    "string": ["", "text"],
                }
                return self.chance.choice(choices[primitive])


def walk(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(each for inner in inside for each in walk(inner))]


def has_union(schema: Any) -> bool:
    objects = [each for each in walk(schema) if isinstance(each, dict)]
    return any(isinstance(each.get(key), list) for each in objects for key in ("type", "items", "values"))
