"""The JSON of the Intempt API ↔ Arrow."""
