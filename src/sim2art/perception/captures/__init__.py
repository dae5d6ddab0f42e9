"""Readers of recordings. Each turns one format into a `Capture`; frames are read when they are asked for."""
