"""Motion hypotheses from flow: sample, carry through the clip, fit, and lay out the evidence for each. NumPy and numba."""
