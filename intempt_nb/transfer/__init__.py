"""Moving data: collections to tables, and anything tabular into collections."""
