"""Notebook toolkit for the Intempt customer data platform.

>>> import intempt_nb as inb
>>> client = inb.sandbox()                      # or inb.Client(org="OrgABC"): the real service
>>> inferred = inb.infer_schema("purchases.csv")
>>> source = client.create_source("shop")
>>> purchases = source.create_collection("purchases", inferred.schema, kind="event")
>>> purchases.create_identifier("id", fields=["purchaseId"])
>>> purchases.upload("purchases.csv")
>>> purchases.load()
"""

from importlib import import_module
from typing import TYPE_CHECKING

from intempt_nb._version import __version__

if TYPE_CHECKING:
    from intempt_nb import analysis as analysis
    from intempt_nb import engines as engines
    from intempt_nb import widgets as widgets
    from intempt_nb.client import Client, sandbox
    from intempt_nb.codecs.avro.items import decode_items, encode_items
    from intempt_nb.codecs.avro.scan import AvroScan, read_avro, scan_avro
    from intempt_nb.codecs.avro.write import write_avro
    from intempt_nb.codecs.rows.tabular import infer_schema
    from intempt_nb.errors import (
        ApiError,
        AuthenticationError,
        ConfigurationError,
        DataError,
        DeliveryUnknownError,
        IntemptError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitedError,
        RejectedError,
        SchemaError,
        ServerError,
        TransportError,
        UploadError,
        UploadInterrupted,
    )
    from intempt_nb.handles import CollectionHandle, SourceHandle
    from intempt_nb.schema.checking.check import SchemaCheck
    from intempt_nb.schema.comparing.compatibility import Compatibility
    from intempt_nb.schema.comparing.difference import SchemaDiff
    from intempt_nb.schema.inferring.inference import InferredSchema
    from intempt_nb.schema.parsing.avro import SchemaWarning
    from intempt_nb.schema.schema import Schema
    from intempt_nb.source_kinds import DATA_SOURCE_TYPES, SOURCE_CATEGORIES
    from intempt_nb.tracker import Tracker
    from intempt_nb.transfer.control import UploadControl
    from intempt_nb.transfer.options import Limits
    from intempt_nb.transfer.report import UploadReport
    from intempt_nb.transfer.runs import uploads
    from intempt_nb.transfer.scan import Scan

__all__ = [
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

# Where each name lives. A name is loaded when it is first used, so that importing the package takes no time; type
# checkers see the imports above.
_HOMES = {
    "ApiError": "intempt_nb.errors",
    "AuthenticationError": "intempt_nb.errors",
    "AvroScan": "intempt_nb.codecs.avro.scan",
    "Client": "intempt_nb.client",
    "CollectionHandle": "intempt_nb.handles",
    "Compatibility": "intempt_nb.schema.comparing.compatibility",
    "ConfigurationError": "intempt_nb.errors",
    "DATA_SOURCE_TYPES": "intempt_nb.source_kinds",
    "DataError": "intempt_nb.errors",
    "DeliveryUnknownError": "intempt_nb.errors",
    "InferredSchema": "intempt_nb.schema.inferring.inference",
    "IntemptError": "intempt_nb.errors",
    "Limits": "intempt_nb.transfer.options",
    "NotFoundError": "intempt_nb.errors",
    "PermissionDeniedError": "intempt_nb.errors",
    "RateLimitedError": "intempt_nb.errors",
    "RejectedError": "intempt_nb.errors",
    "Scan": "intempt_nb.transfer.scan",
    "Schema": "intempt_nb.schema.schema",
    "SOURCE_CATEGORIES": "intempt_nb.source_kinds",
    "SchemaCheck": "intempt_nb.schema.checking.check",
    "SchemaDiff": "intempt_nb.schema.comparing.difference",
    "SchemaError": "intempt_nb.errors",
    "SchemaWarning": "intempt_nb.schema.parsing.avro",
    "ServerError": "intempt_nb.errors",
    "SourceHandle": "intempt_nb.handles",
    "Tracker": "intempt_nb.tracker",
    "TransportError": "intempt_nb.errors",
    "UploadControl": "intempt_nb.transfer.control",
    "UploadError": "intempt_nb.errors",
    "UploadInterrupted": "intempt_nb.errors",
    "UploadReport": "intempt_nb.transfer.report",
    "decode_items": "intempt_nb.codecs.avro.items",
    "encode_items": "intempt_nb.codecs.avro.items",
    "infer_schema": "intempt_nb.codecs.rows.tabular",
    "read_avro": "intempt_nb.codecs.avro.scan",
    "sandbox": "intempt_nb.client",
    "scan_avro": "intempt_nb.codecs.avro.scan",
    "uploads": "intempt_nb.transfer.runs",
    "write_avro": "intempt_nb.codecs.avro.write",
}


# Rooms that are public as such: ``inb.widgets.Explorer``. Not in ``__all__``, as a star import would load them.
_ROOMS = ("analysis", "engines", "widgets")


def __getattr__(name: str) -> object:
    """Load a public name from its room, or a room."""
    if name in _ROOMS:
        return import_module(f"intempt_nb.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *_ROOMS]
