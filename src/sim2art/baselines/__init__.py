"""Methods without our network, scored by the same code: `PointVideo -> ArticulationEstimate`."""
