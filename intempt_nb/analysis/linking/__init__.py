"""Items that belong together by declared identifiers: joins of collections, and persons across sources."""
