"""Anything tabular → blocks of rows that remember where they came from."""
