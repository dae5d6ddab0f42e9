"""What is true of a clip whatever its parts: smooth flow, surfaces, normals and main directions, computed once."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from sim2art.inference.assign.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.inference.propose.main_directions import find_main_directions
from sim2art.inference.score.evidence import EvidenceConfig, Surface, index_video
from sim2art.inference.score.rest_pose import disc_normals
from sim2art.inference.score.surface_grid import index_surface
from sim2art.observation.point_video import PointVideo


class Scene(NamedTuple):
    """A clip made ready for inference."""

    video: PointVideo
    """In normalised coordinates."""
    smoothed: PointVideo
    """The same with smooth flow."""
    surface: Surface
    normals: Float[np.ndarray, "frame point 3"]
    """Of either sign; zeros where there are none."""
    directions: Float[np.ndarray, "direction 3"]
    """That axes are likely to lie along."""


def prepare(video: PointVideo, evidence: EvidenceConfig) -> Scene:
    """Smooth the flow and index the surfaces of a normalised video, for evidence such as a network reads (`evidence_for`)."""
    surface = index_video(video, evidence)
    known = surface.normals
    if known is None:
        known = disc_normals(index_surface(video.points_world, video.valid, evidence.num_clip_points))
    normals = np.zeros(video.points_world.shape, dtype=np.float32)
    normals[:, : known.shape[1]] = known
    smoothed = smooth_flow(video, radius=WHOLE_RADIUS)
    return Scene(video, smoothed, surface, normals, find_main_directions(normals))
