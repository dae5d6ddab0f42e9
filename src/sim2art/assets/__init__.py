"""Articulated objects to learn from: the protocol of a source, and our own procedural families."""
