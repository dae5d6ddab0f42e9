"""From a `PointVideo` to an `ArticulationEstimate`: propose, score, fit, select, assign, refine. Start at `loop.py`."""
