"""The explorer: what there is, from sources to values, and from there into a DataFrame."""
