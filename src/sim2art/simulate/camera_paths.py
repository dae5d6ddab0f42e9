"""Smooth camera paths around an object that stands on z = 0 and faces -y."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import look_at, make_transform
from sim2art.simulate.seeds import rounded

UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class CameraConfig:
    """What camera paths are drawn from."""

    fov_deg: tuple[float, float] = (35.0, 75.0)
    """Horizontal field of view."""
    fill: tuple[float, float] = (0.35, 1.0)
    """Share of the frame's width that the object takes."""
    azimuth_deg: tuple[float, float] = (-70.0, 70.0)
    """Direction from which the object is seen; 0 is its front."""
    elevation_deg: tuple[float, float] = (5.0, 50.0)
    orbit_deg: tuple[float, float] = (5.0, 60.0)
    """Arc that a moving camera travels."""
    static_share: float = 0.2
    """Clips whose camera stands still."""


@dataclass(frozen=True, kw_only=True)
class CameraPath:
    """Where the camera is in each frame."""

    stage_from_camera: Float[np.ndarray, "frame 4 4"]
    """Stage = the object's frame, z up. OpenCV camera axes."""
    intrinsics: Float[np.ndarray, "3 3"]
    """px."""
    width: int
    height: int


def sample_camera_path(
    low: Float[np.ndarray, "3"],
    high: Float[np.ndarray, "3"],
    *,
    phase: Float[np.ndarray, "frame"],
    width: int,
    height: int,
    rng: np.random.Generator,
    config: CameraConfig,
) -> CameraPath:
    """A path that looks at the box from `low` to `high` (m, stage frame).

    Args:
        low: Lower corner of all that the object sweeps.
        high: Upper corner.
        phase: When the frames are taken, from 0 to 1, increasing.
    """
    center, extent = (low + high) / 2, high - low
    fov = np.deg2rad(rng.uniform(*config.fov_deg))
    radius = 0.5 * np.sqrt(0.5 * (extent[0] ** 2 + extent[1] ** 2) + extent[2] ** 2)
    distance = radius / (np.tan(fov / 2) * min(1.0, height / width) * rng.uniform(*config.fill))
    distance = max(distance, 0.75 * radius, 0.12)
    num_frames = len(phase)
    azimuth = np.full(num_frames, np.deg2rad(rng.uniform(*config.azimuth_deg)))
    elevation = np.full(num_frames, np.deg2rad(rng.uniform(*config.elevation_deg)))
    distances = np.full(num_frames, distance)
    targets = center + extent * rng.uniform(-0.15, 0.15, 3) + np.zeros((num_frames, 3))
    wobble = np.zeros((num_frames, 6))
    if rng.uniform() >= config.static_share:
        arc = np.deg2rad(rng.uniform(*config.orbit_deg))
        # Orbits cross the frontal view rather than leave the range of azimuths.
        ease = phase + rng.uniform(-0.15, 0.15) * np.sin(2 * np.pi * phase)
        tilt = rng.normal(0.0, 0.35)
        azimuth = azimuth - np.sign(azimuth[0] + 1e-9) * arc * np.cos(tilt) * ease
        elevation = elevation + 0.5 * arc * np.sin(tilt) * ease
        if rng.uniform() < 0.25:  # Some walk to and fro.
            azimuth = azimuth[0] + (azimuth[-1] - azimuth[0]) * np.sin(np.pi * phase)
        distances = distance * np.exp(rng.normal(0.0, 0.12) * phase)
        targets = targets + extent * rng.normal(0.0, 0.06, 3) * phase[:, None]
        size = np.array([0.008 * distance] * 3 + [0.012] * 3) * rng.uniform(0.2, 1.5)
        wobble = _smooth_noise(phase, 6, rng) * size
    elevation = np.clip(elevation, np.deg2rad(3.0), np.deg2rad(75.0))
    offsets = np.stack(
        [np.cos(elevation) * np.sin(azimuth), -np.cos(elevation) * np.cos(azimuth), np.sin(elevation)], axis=1
    )
    eyes = targets + distances[:, None] * offsets + wobble[:, :3]
    eyes[:, 2] = np.maximum(eyes[:, 2], 0.08 * radius)
    roll = rng.normal(0.0, 0.03)
    poses = np.stack([look_at(eye, target, UP) for eye, target in zip(eyes, targets, strict=True)])
    shake = rotation_from_rotvec(wobble[:, 3:] + np.array([0.0, 0.0, roll]))
    poses = rounded(poses @ make_transform(shake, np.zeros(3)))
    return CameraPath(
        stage_from_camera=poses, intrinsics=intrinsics_from_fov(width, height, fov), width=width, height=height
    )


def _smooth_noise(
    phase: Float[np.ndarray, "frame"], channels: int, rng: np.random.Generator
) -> Float[np.ndarray, "frame channel"]:
    """Unit-size noise made of a few slow sines: a hand that holds a phone."""
    frequency = rng.uniform(0.5, 4.0, (1, 3, channels))
    waves = np.sin(2 * np.pi * (frequency * phase[:, None, None] + rng.uniform(size=(1, 3, channels)))) / frequency**0.5
    return waves.mean(axis=1)
