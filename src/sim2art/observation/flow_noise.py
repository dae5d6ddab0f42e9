"""How far measured flow is off, and the depth of what moves where that was guessed: one model wherever flow is judged."""

PIXEL_SIGMA = 0.45
"""px (`benchmarks/flow_noise.py` prints the errors of flow)."""
FLOW_SHARE = 0.04
"""Flow is that much less certain, px a px, the further it goes beyond what the camera does."""
DEPTH_SIGMA = 0.1
"""Of the logarithm of guessed depth, from point to point."""
OUTLIER = 16.0
"""Squared sigmas from which on a residual costs no more."""
