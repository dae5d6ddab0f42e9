"""What was seen: RGB-D videos, and the sampled points with flow that every method reads. The seam of the project."""
