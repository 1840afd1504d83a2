"""Avro ↔ Arrow ↔ pandas types."""
