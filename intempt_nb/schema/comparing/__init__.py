"""Two schemas held against each other: compatibility and differences."""
