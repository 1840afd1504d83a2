"""What a collection looks like: Avro record schemas and their Arrow and pandas forms; pure, no I/O."""
