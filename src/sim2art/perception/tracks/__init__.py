"""Corners followed through the recording, and what of them stands still."""
