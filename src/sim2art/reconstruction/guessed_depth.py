"""What is left of an estimate where depth was guessed, once the images were asked."""

import numpy as np
from jaxtyping import UInt8

from sim2art.articulation.assembly import part_motions
from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.perception.observed import Observation


def bear_out(
    observation: Observation, estimate: ArticulationEstimate
) -> tuple[ArticulationEstimate, UInt8[np.ndarray, "frame height width"]]:
    """The joints that flow and whole regions of the images bear out, and the part of every pixel.

    Args:
        observation: Its depth was guessed.
        estimate: World frame.
    """
    from sim2art.inference.refine.guessed_depth import judge_guessed_depth
    from sim2art.observation.densify import densify_labels
    from sim2art.regions.colour_video import label_by_synthesis

    video, points = observation.video, observation.points
    judged = judge_guessed_depth(points, video.intrinsics, estimate)
    if judged.joints:
        labelled = label_by_synthesis(video, points, judged, observation.people)
        return labelled.estimate, labelled.labels
    return judged, densify_labels(video, points, judged.part_probabilities, part_motions(judged))
