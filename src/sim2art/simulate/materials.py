"""Procedural solid textures: what each body or piece of the room is made of.

A texture is evaluated at rest-pose coordinates, so it sticks to its surface as the part moves. Enough surfaces carry
texture for optical flow to hold on to; some are plain on purpose.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float32, Int32

from sim2art.simulate.seeds import log_uniform


class Material(IntEnum):
    """Kinds of solid texture; `shading.py` holds their formulas."""

    PLAIN = 0
    NOISE = 1
    WOOD = 2
    STRIPES = 3
    PRINT = 4
    TILES = 5
    SPECKLE = 6


OBJECT_SHARES = {
    Material.PLAIN: 0.22,
    Material.NOISE: 0.16,
    Material.WOOD: 0.3,
    Material.STRIPES: 0.06,
    Material.PRINT: 0.14,
    Material.SPECKLE: 0.12,
}
"""How often the links of an object are made of each material."""
FLOOR_SHARES = {Material.WOOD: 0.35, Material.TILES: 0.25, Material.NOISE: 0.2, Material.SPECKLE: 0.2}
WALL_SHARES = {
    Material.NOISE: 0.42,
    Material.PRINT: 0.12,
    Material.TILES: 0.18,
    Material.STRIPES: 0.1,
    Material.PLAIN: 0.18,
}
CLUTTER_SHARES = {Material.PRINT: 0.5, Material.NOISE: 0.2, Material.STRIPES: 0.15, Material.WOOD: 0.15}


@dataclass(frozen=True, kw_only=True)
class MaterialTable:
    """Materials as arrays, one row each, for the compiled shader."""

    kinds: Int32[np.ndarray, "material"]
    scales: Float32[np.ndarray, "material"]
    """Features a metre."""
    strengths: Float32[np.ndarray, "material"]
    """Contrast, 0..1."""
    axes: Float32[np.ndarray, "material 3"]
    """Direction of grain and stripes."""
    seeds: Int32[np.ndarray, "material"]


def sample_materials(
    shares: list[dict[Material, float]], sizes: list[float], rng: np.random.Generator
) -> MaterialTable:
    """One material per entry; `sizes` (m) set how fine its features are."""
    kinds, scales, strengths, axes, seeds = [], [], [], [], []
    for share, size in zip(shares, sizes, strict=True):
        options = list(share)
        weights = np.array([share[option] for option in options])
        kind = options[rng.choice(len(options), p=weights / weights.sum())]
        kinds.append(int(kind))
        scales.append(log_uniform(rng, 8.0, 26.0) / size)
        strengths.append(rng.uniform(0.03, 0.08) if kind is Material.PLAIN else rng.uniform(0.18, 0.5))
        axis = np.eye(3)[rng.integers(3)] + rng.normal(0.0, 0.04, 3)
        axes.append(axis / np.linalg.norm(axis))
        seeds.append(int(rng.integers(1 << 30)))
    return MaterialTable(
        kinds=np.array(kinds, dtype=np.int32),
        scales=np.array(scales, dtype=np.float32),
        strengths=np.array(strengths, dtype=np.float32),
        axes=np.array(axes, dtype=np.float32).reshape(-1, 3),
        seeds=np.array(seeds, dtype=np.int32),
    )
