"""A package, so that a browser can live as long as its tests and no longer."""
