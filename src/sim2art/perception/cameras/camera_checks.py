"""Do camera poses and intrinsics fit what the images show? Asked of the flow of what stands still."""

import numpy as np
from jaxtyping import Float, Float32

from sim2art.geometry.transforms import inverse
from sim2art.perception.captures.pose_checks import stands_still
from sim2art.perception.flow.camera_flow import camera_flow
from sim2art.perception.flow.lifted_flow import PixelFlow

_QUIET_SHARE, _QUIET_SHARE_STANDING = 0.25, 0.05
_FACTORS = (0.5, 0.6, 0.7, 0.8, 0.88, 1.0, 1.14, 1.28, 1.45, 1.7, 2.0)
_LEAST_MISFIT = 0.5
"""px: poses that fit better leave nothing to explain."""
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
_MIN_GAIN = 0.6
"""Another focal length, or other axes, are believed when they leave less than this share of the misfit."""


def camera_misfit(
    flows: dict[tuple[int, int], PixelFlow],
    depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> float:
    """How far (px) even the quietest quarter of the image moves from one used frame to the next against the poses.

    Where the poses say that the camera stood still a twentieth will do: no camera that moves leaves it in place, and what
    moves may fill the rest.
    """
    quiet = []
    for frame in range(len(depths) - 1):
        pair = flows.get((frame, frame + 1))
        if pair is None or pair.cornered.sum() < 100:
            continue
        still, seen = camera_flow(depths[frame], intrinsics, world_from_camera[frame], world_from_camera[frame + 1])
        used = pair.cornered & seen
        stands = stands_still(world_from_camera[frame : frame + 2])
        if used.any():
            share = _QUIET_SHARE_STANDING if stands else _QUIET_SHARE
            quiet.append(float(np.quantile(np.linalg.norm(pair.flow - still, axis=-1)[used], share)))
    return float(np.median(quiet)) if quiet else 0.0


def explain_misfit(
    flows: dict[tuple[int, int], PixelFlow],
    depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    recorded: Float[np.ndarray, "frame 4 4"],
    misfit: float,
) -> str | None:
    """Which usual mix-up of recorded poses (in the recording's own world) explains their `misfit`, px; None when none does."""
    left = {
        said: camera_misfit(flows, depths, intrinsics, inverse(meant[0]) @ meant)
        for said, meant in (
            ("in OpenGL axes (y up, looking along -z): multiply each by diag(1, -1, -1, 1) from the right", recorded @ _FLIP),
            ("camera from world: invert each", inverse(recorded)),
            ("camera from world in OpenGL axes: multiply by diag(1, -1, -1, 1) from the left, then invert", inverse(_FLIP @ recorded)),
        )
    }  # fmt: skip
    best = min(left, key=lambda said: left[said])
    return best if left[best] < _MIN_GAIN * misfit else None


def fit_focal_length(
    flows: dict[tuple[int, int], PixelFlow],
    depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> float:
    """By what factor another focal length fits the images clearly better; 1 when none does.

    It shows where the camera moves: a wrong focal length puts what stands still beside where its flow leads.
    """
    before = camera_misfit(flows, depths, intrinsics, world_from_camera)
    if before < _LEAST_MISFIT or stands_still(world_from_camera):
        return 1.0
    misfits = []
    for factor in _FACTORS:
        changed = intrinsics.copy()
        changed[[0, 1], [0, 1]] *= factor
        misfits.append(camera_misfit(flows, depths, changed, world_from_camera))
    best = int(np.argmin(misfits))
    return _FACTORS[best] if misfits[best] < _MIN_GAIN * before else 1.0
