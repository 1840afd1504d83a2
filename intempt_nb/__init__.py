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

from intempt_nb._version import __version__
from intempt_nb.client import Client, sandbox
from intempt_nb.codecs.tabular import infer_schema
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
)
from intempt_nb.handles import CollectionHandle, SourceHandle
from intempt_nb.schema.avro import SchemaWarning
from intempt_nb.schema.inference import InferredSchema
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.report import UploadReport
from intempt_nb.transfer.scan import Scan
from intempt_nb.transfer.upload import Limits

__all__ = [
    "ApiError",
    "AuthenticationError",
    "Client",
    "CollectionHandle",
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
    "SchemaError",
    "SchemaWarning",
    "ServerError",
    "SourceHandle",
    "TransportError",
    "UploadReport",
    "__version__",
    "infer_schema",
    "sandbox",
]
