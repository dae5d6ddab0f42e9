"""Rotations, transforms, screws, cameras, alignment, meshes. NumPy only; knows no joint and no file."""
