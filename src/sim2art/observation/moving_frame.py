"""A clip as it looks from a moving part, and a clip of some of its points only: how parts on moving parts are found.

Seen from a part, the part stands still and what hangs on it moves by its own joint alone.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo

MIN_POINTS = 8
"""Fewer points than this in every frame are no clip."""


def seen_from(video: PointVideo, motions: Float[np.ndarray, "frame 4 4"]) -> PointVideo:
    """The clip as it looks from a moving part: carried back to where the part was in frame 0.

    Args:
        motions: What carries the part from its place in frame 0 to its place in each frame, in the video's units.
    """
    back = inverse(motions)
    points = apply(back, video.points_world)
    flow = np.zeros_like(video.flow_world)
    for index, baseline in enumerate(video.baselines):
        stop = np.arange(baseline, video.num_frames)
        ends = video.points_world[: len(stop)] + video.flow_world[index, : len(stop)]
        flow[index, : len(stop)] = apply(back[stop], ends) - points[: len(stop)]
    return dataclasses.replace(
        video,
        points_world=np.where(video.valid[..., None], points, 0.0),
        flow_world=np.where(video.flow_valid[..., None], flow, 0.0),
        world_from_camera=back @ video.world_from_camera,
    )


def keep_points(
    video: PointVideo, own: Bool[np.ndarray, "frame point"]
) -> tuple[PointVideo, Int[np.ndarray, "frame slot"]] | None:
    """Only the chosen points, moved to the first slots of each frame, and the old slot of each new one.

    None when there are fewer than `MIN_POINTS` in every frame.
    """
    count = int(own.sum(axis=1).max(initial=0))
    if count < MIN_POINTS:
        return None
    order = np.argsort(~own, axis=1, kind="stable")[:, :count]
    valid = np.take_along_axis(own, order, axis=1)
    packed = video.take(order)
    kept = dataclasses.replace(
        packed,
        points_world=np.where(valid[..., None], packed.points_world, 0.0),
        valid=valid,
        flow_world=np.where(valid[None, ..., None], packed.flow_world, 0.0),
        flow_valid=packed.flow_valid & valid[None],
    )
    return kept, order
