"""The widget that defines identifiers."""
