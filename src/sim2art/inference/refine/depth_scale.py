"""A depth scale that does not fit the camera's path: what stands still seems to move against the camera.

A point seen too far by a share b from a camera at e lies at e + (1 + b) (x - e); when the camera moves on by s, the
place of a still point moves by -b s. All still points of a frame pair do so alike, so the median flow shows it, and
b follows from the flow along the camera's path. Without a camera that moves the scale cannot be told from an object's
size.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.joint import JointType
from sim2art.observation.point_video import PointVideo

NOTICED = 0.03
"""A scale off by less is left to the per-frame errors of the solver."""
LEAST_PATH = 0.1
"""The camera moves at least this far (root mean square over frame pairs, normalised units), or nothing is said."""
LEAST_SHARE = 0.8
"""The scale must explain this much of the energy of the median flow."""
MIN_POINTS = 64


@dataclass(frozen=True, kw_only=True)
class DepthScale:
    """What the still points say about the scale of depth against that of the camera's path."""

    error: float
    """Depth is too long by this share; 0 where nothing can be told."""
    explained: float
    """Share of the median flow's energy that it explains."""
    path: float
    """Root mean square way of the camera in a frame pair."""

    @property
    def is_off(self) -> bool:
        """Whether the two scales clearly disagree."""
        return abs(self.error) > NOTICED and self.explained > LEAST_SHARE and self.path > LEAST_PATH


def measure_depth_scale(video: PointVideo) -> DepthScale:
    """The error of the depth scale, from the median flow of all points of each frame pair.

    Args:
        video: In normalised coordinates, most of its points on what stands still.
    """
    eyes = video.world_from_camera[:, :3, 3]
    flows, ways = [], []
    for index, baseline in enumerate(video.baselines):
        for start in range(video.num_frames - baseline):
            known = video.flow_valid[index, start] & video.valid[start]
            if np.count_nonzero(known) >= MIN_POINTS:
                flows.append(np.median(video.flow_world[index, start, known], axis=0))
                ways.append(eyes[start + baseline] - eyes[start])
    flow, way = np.array(flows).reshape(-1, 3), np.array(ways).reshape(-1, 3)
    energy = float(np.sum(way**2))
    if energy < 1e-12:
        return DepthScale(error=0.0, explained=0.0, path=0.0)
    weights, error = np.ones(len(flow)), 0.0
    for _ in range(5):
        total = float(np.sum(weights[:, None] * way**2))
        error = -float(np.sum(weights[:, None] * flow * way)) / max(total, 1e-12)
        left = np.linalg.norm(flow + error * way, axis=1)
        weights = 1 / (1 + (left / max(2.0 * float(np.median(left)), 1e-5)) ** 2) ** 2
    left = np.sum((flow + error * way) ** 2, axis=1)
    before = max(float(np.sum(weights[:, None] * flow**2)), 1e-15)
    return DepthScale(
        error=error,
        explained=max(1 - float(np.sum(weights * left)) / before, 0.0),
        path=float(np.sqrt(energy / len(way))),
    )


def mend_depth_scale(video: PointVideo, error: float) -> PointVideo:
    """The clip as it were with the right depths: every point drawn to its camera by `1 / (1 + error)`."""
    eyes = video.world_from_camera[:, :3, 3]
    points = eyes[:, None] + (video.points_world - eyes[:, None]) / (1 + error)
    flow = np.zeros_like(video.flow_world)
    for index, baseline in enumerate(video.baselines):
        stop = np.arange(baseline, video.num_frames)
        ends = video.points_world[: len(stop)] + video.flow_world[index, : len(stop)]
        mended = eyes[stop, None] + (ends - eyes[stop, None]) / (1 + error)
        flow[index, : len(stop)] = mended - points[: len(stop)]
    return dataclasses.replace(
        video,
        points_world=np.where(video.valid[..., None], points, 0.0),
        flow_world=np.where(video.flow_valid[..., None], flow, 0.0),
    )


def spoil_depth_scale(
    estimate: ArticulationEstimate, eye: Float[np.ndarray, "3"], error: float
) -> ArticulationEstimate:
    """An answer about the mended clip as one about the clip as it was seen, so that it meets the points of frame 0.

    Args:
        estimate: About the mended clip.
        eye: Camera centre of frame 0, in the units of the estimate.
        error: What was mended.
    """
    factor = 1 + error
    joints = []
    values = estimate.trajectory.values.copy()
    for index, found in enumerate(estimate.joints):
        joint = found.joint
        if joint.type is JointType.PRISMATIC:
            values[:, index] *= factor
        pivot = None if joint.pivot is None else eye + factor * (joint.pivot - eye)
        sigma = None if found.pivot_sigma is None else factor * found.pivot_sigma
        joints.append(dataclasses.replace(found, joint=dataclasses.replace(joint, pivot=pivot), pivot_sigma=sigma))
    trajectory = dataclasses.replace(estimate.trajectory, values=values)
    return dataclasses.replace(estimate, joints=tuple(joints), trajectory=trajectory)
