"""What a collection's data is: bytes, Arrow tables and pandas frames, and the ways between them."""
