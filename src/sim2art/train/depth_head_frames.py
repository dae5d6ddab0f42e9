"""Rendered frames that the depth head learns from: colour, depth, and the frozen backbone's features, kept on disk.

The backbone never changes, so its features are computed once for each frame. A shard holds the frames of a few scenes as
one safetensors file; a shard's number names its scenes, and a shard that is there is not made again.
"""

import io
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16, UInt8
from PIL import Image
from safetensors.torch import save_file
from scipy.ndimage import gaussian_filter
from torch import Tensor

from sim2art.dataset.splits import FIRST_TRAINING_SEED
from sim2art.errors import InvalidValueError
from sim2art.networks.depth_head import normalize_images
from sim2art.networks.dinov2 import Dinov2
from sim2art.simulate.camera_paths import CameraConfig
from sim2art.simulate.recordings import RecordingConfig, render_recording
from sim2art.simulate.seeds import named_rng

_CAMERA = CameraConfig(
    fov_deg=(42.0, 75.0), fill=(0.35, 1.15), azimuth_deg=(-65.0, 65.0), elevation_deg=(3.0, 55.0),
    orbit_deg=(10.0, 60.0), static_share=0.0,
)  # fmt: skip
_BATCH = 8


@dataclass(frozen=True, kw_only=True)
class DepthFrameConfig:
    """What frames are drawn from."""

    long_side: int = 280
    """px; 14 px make a patch."""
    short_side: int = 210
    upright_share: float = 0.2
    """Shards whose images are higher than wide."""
    num_scenes: int = 16
    """In a shard."""
    num_frames: int = 4
    """Of a scene, far apart."""
    layers: tuple[int, ...] = (2, 5, 8, 11)
    """Layers of the backbone whose features are kept."""
    first_seed: int = 70 * FIRST_TRAINING_SEED
    """Scene `i` has this seed plus i."""

    def __post_init__(self) -> None:
        if self.long_side % 14 or self.short_side % 14:
            raise InvalidValueError(f"Images of {self.long_side}x{self.short_side} px are no whole patches of 14 px.")


@dataclass(frozen=True, kw_only=True)
class DepthFrames:
    """Some frames of one size."""

    images: UInt8[np.ndarray, "frame height width 3"]
    depths: Float16[np.ndarray, "frame height width"]
    """m, 0 = none."""


def render_frames_of(config: DepthFrameConfig, shard: int) -> DepthFrames:
    """Frames of a shard's scenes, as a phone would have taken them."""
    size_rng = named_rng(config.first_seed, shard, "size")
    is_upright = size_rng.uniform() < config.upright_share
    width, height = (config.short_side, config.long_side) if is_upright else (config.long_side, config.short_side)
    images, depths = [], []
    for scene in range(config.num_scenes):
        seed = config.first_seed + shard * config.num_scenes + scene
        rng = named_rng(seed, "depth frame")
        recording = render_recording(
            RecordingConfig(
                num_frames=config.num_frames, width=width, height=height, poses="exact", depth=None, camera=_CAMERA,
                hand_share=0.4, hand_style="fingers" if rng.uniform() < 0.7 else "mitten",
            ),
            seed,
        )  # fmt: skip
        is_mirrored = rng.uniform() < 0.5
        for image, depth in zip(recording.images, recording.stage.depths, strict=True):
            photo = photograph(image, rng)
            images.append(photo[:, ::-1] if is_mirrored else photo)
            depths.append(depth[:, ::-1] if is_mirrored else depth)
    return DepthFrames(images=np.array(images), depths=np.array(depths).astype(np.float16))


def photograph(
    image: UInt8[np.ndarray, "height width 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "height width 3"]:
    """The image with the colours, blur and compression of some camera."""
    values = image.astype(np.float32) / 255.0
    gain = np.exp(rng.normal(0.0, 0.22)) * np.exp(rng.normal(0.0, 0.07, 3))  # Exposure and white balance.
    values = np.clip(values * gain.astype(np.float32), 0.0, 1.0) ** np.float32(np.exp(rng.normal(0.0, 0.28)))
    gray = values.mean(axis=-1, keepdims=True)
    values = gray + (values - gray) * np.float32(rng.uniform(0.0, 1.3))
    values = 0.5 + (values - 0.5) * np.float32(rng.uniform(0.6, 1.15))  # Contrast: haze and flat profiles.
    height, width = values.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    if rng.uniform() < 0.5:  # A lamp or window at one side, and darker corners.
        slope = rng.normal(0.0, 0.15, 2)
        values = (
            values
            * (1 + slope[0] * x + slope[1] * y - rng.uniform(0, 0.2) * (x * x + y * y)).astype(np.float32)[..., None]
        )
    if rng.uniform() < 0.5:
        spread = rng.uniform(0.3, 1.3)
        values = gaussian_filter(values, (spread, spread, 0.0), truncate=2.5)
    values = values + rng.uniform(0.0, 0.03) * rng.standard_normal(values.shape, dtype=np.float32)
    result = np.clip(np.rint(255 * values), 0, 255).astype(np.uint8)
    if rng.uniform() < 0.6:
        file = io.BytesIO()
        Image.fromarray(result).save(file, "JPEG", quality=int(rng.integers(30, 95)))
        result = np.asarray(Image.open(file))
    return np.ascontiguousarray(result)


@torch.inference_mode()
def extract_features(
    backbone: Dinov2, images: UInt8[np.ndarray, "frame height width 3"], layers: tuple[int, ...]
) -> Tensor:
    """Half precision features of shape (frame, layer, patch, channel); the class token is left out."""
    found = []
    dtype = next(backbone.parameters()).dtype
    for start in range(0, len(images), _BATCH):
        inputs = normalize_images(torch.from_numpy(np.ascontiguousarray(images[start : start + _BATCH]))).to(dtype)
        found.append(torch.stack(backbone(inputs, layers), dim=1)[:, :, 1:].to(torch.float16))
    return torch.cat(found)


def make_shard(config: DepthFrameConfig, folder: Path, shard: int) -> Path:
    """Render a shard and compute its features, unless its file is there."""
    path = folder / f"{shard:05d}.safetensors"
    if path.is_file():
        return path
    frames = render_frames_of(config, shard)
    tensors = {
        "features": extract_features(_load_backbone(), frames.images, config.layers),
        "images": torch.from_numpy(frames.images),
        "depths": torch.from_numpy(frames.depths),
    }
    partial = folder / f"{shard:05d}.{os.getpid()}.part"
    save_file(tensors, partial)
    return partial.replace(path)


def make_shards(config: DepthFrameConfig, folder: Path, num_shards: int, *, workers: int = 1) -> Iterator[Path]:
    """Make the shards that are not there yet, one after the other; each is yielded when it is done."""
    folder.mkdir(parents=True, exist_ok=True)
    if workers <= 1:
        yield from (make_shard(config, folder, shard) for shard in range(num_shards))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make_shard, [config] * num_shards, [folder] * num_shards, range(num_shards))


@cache
def _load_backbone() -> Dinov2:
    """The backbone in the processor's fast half precision: features are kept in no higher one."""
    from sim2art.perception.features.dinov2_backbone import load_dinov2

    torch.set_num_threads(1)
    return load_dinov2().to(torch.bfloat16)
