"""Torch modules, pure: tensors in, tensors out. No file, no clip, no joint."""

from pathlib import Path

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
"""The weights that ship with the package; named here, where asking for them loads no torch."""
