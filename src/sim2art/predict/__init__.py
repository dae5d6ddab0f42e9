"""From a `PointVideo` to an `ArticulationEstimate` with a trained network. Raw network output stays in here."""
