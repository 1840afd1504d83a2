"""Data without a schema → a schema, with the evidence."""
