"""The names that the package promises, and what every public thing must have."""

from __future__ import annotations

import inspect

import intempt_nb as inb

PUBLIC = [
    "DATA_SOURCE_TYPES",
    "SOURCE_CATEGORIES",
    "ApiError",
    "AuthenticationError",
    "AvroScan",
    "Client",
    "CollectionHandle",
    "Compatibility",
    "ConfigurationError",
    "DataError",
    "DeliveryUnknownError",
    "InferredSchema",
    "IntemptError",
    "Limits",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "RejectedError",
    "Scan",
    "Schema",
    "SchemaCheck",
    "SchemaDiff",
    "SchemaError",
    "SchemaWarning",
    "ServerError",
    "SourceHandle",
    "Tracker",
    "TransportError",
    "UploadControl",
    "UploadError",
    "UploadInterrupted",
    "UploadReport",
    "__version__",
    "decode_items",
    "encode_items",
    "infer_schema",
    "read_avro",
    "sandbox",
    "scan_avro",
    "uploads",
    "write_avro",
]


def test_the_public_names_are_these_and_sorted() -> None:
    assert inb.__all__ == PUBLIC  # the linter sorts the first, constants in front
    assert all(hasattr(inb, name) for name in PUBLIC)


def test_every_public_name_is_documented() -> None:
    rooms = (inb, inb.engines, inb.engines.dask, inb.engines.spark)
    for name, thing in [(name, getattr(room, name)) for room in rooms for name in room.__all__]:
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
            for member, value in vars(thing).items() if inspect.isclass(thing) else ():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    assert inspect.getdoc(value), f"{name}.{member}"


def test_the_rooms_that_are_public_are_loaded_when_they_are_used() -> None:
    assert {"analysis", "engines", "widgets"} <= set(dir(inb))
    assert all(callable(getattr(inb.analysis, name)) for name in inb.analysis.__all__ if name != "plots")
    assert all(callable(getattr(inb.analysis.plots, name)) for name in inb.analysis.plots.__all__)
    assert {"check_identifier", "profile"} <= set(inb.analysis.__all__)
    assert inb.widgets.__all__ == ["CollectionDesigner", "Explorer", "IdentifierDesigner", "UploadPanel"]
