"""Depth: guessed by networks, aligned to the camera's scale, cleaned."""
