"""Torch modules, pure: tensors in, tensors out. No file, no clip, no joint."""
