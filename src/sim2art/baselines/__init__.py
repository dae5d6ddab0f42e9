"""Methods without our network, scored by the same code: `PointVideo -> ArticulationEstimate`."""

from sim2art.baselines.flow_clustering import flow_clustering

__all__ = ["flow_clustering"]
