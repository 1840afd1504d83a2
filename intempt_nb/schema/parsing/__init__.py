"""Avro JSON and JSON Schema → the model; canonical forms."""
