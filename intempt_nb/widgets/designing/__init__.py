"""`CollectionDesigner`: a collection defined by clicking."""
