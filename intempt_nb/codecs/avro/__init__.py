"""Avro container files and Avro's JSON encoding ↔ Arrow."""
