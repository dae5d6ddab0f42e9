"""Simulated examples as data: the clip, its files on disk, and the splits."""
