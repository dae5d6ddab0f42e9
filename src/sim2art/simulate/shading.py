"""Colour of every pixel: base colour of its face, solid texture, ambient light and two lamps (Lambert)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8
from numba import njit

from sim2art.geometry.rasterizer import BodyMeshes
from sim2art.simulate.materials import Material, MaterialTable

_PLAIN, _NOISE, _WOOD = int(Material.PLAIN), int(Material.NOISE), int(Material.WOOD)
_STRIPES, _PRINT, _TILES = int(Material.STRIPES), int(Material.PRINT), int(Material.TILES)


@dataclass(frozen=True, kw_only=True)
class Surfaces:
    """How the faces of a stage look."""

    face_colors: UInt8[np.ndarray, "face 3"]
    """RGB."""
    face_materials: Int32[np.ndarray, "face"]
    materials: MaterialTable


@dataclass(frozen=True, kw_only=True)
class Lights:
    """Light on a stage; directions point from the surface to the lamp, stage frame."""

    directions: Float32[np.ndarray, "lamp 3"]
    strengths: Float32[np.ndarray, "lamp"]
    ambient: float


def sample_lights(rng: np.random.Generator) -> Lights:
    """A main lamp from the front and above, and a weak one from elsewhere."""
    directions = np.array([[0.0, -0.6, 0.8], [0.0, -0.3, 0.3]]) + rng.normal(0.0, 0.45, (2, 3))
    directions[:, 1] = -np.abs(directions[:, 1]) - 0.1
    directions[:, 2] = np.abs(directions[:, 2]) + 0.1
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    strengths = np.array([rng.uniform(0.35, 0.6), rng.uniform(0.05, 0.25)])
    return Lights(
        directions=directions.astype(np.float32),
        strengths=strengths.astype(np.float32),
        ambient=float(rng.uniform(0.3, 0.45)),
    )


def shade_frame(
    bodies: BodyMeshes,
    surfaces: Surfaces,
    lights: Lights,
    *,
    depths: Float32[np.ndarray, "height width"],
    face_ids: Int32[np.ndarray, "height width"],
    camera_from_body: Float[np.ndarray, "body 4 4"],
    camera_from_stage: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Float32[np.ndarray, "height width 3"]:
    """Linear RGB, about 0..1, of one frame."""
    corners = bodies.vertices[bodies.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    normals = (camera_from_body[bodies.face_bodies, :3, :3] @ normals[..., None])[..., 0]
    lamps = lights.directions @ camera_from_stage[:3, :3].T
    body_from_camera = np.linalg.inv(camera_from_body)
    image = np.zeros((*depths.shape, 3), dtype=np.float32)
    table = surfaces.materials
    fx, fy, cx, cy = (np.float32(x) for x in intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]])
    _shade(
        depths, face_ids, bodies.face_bodies, surfaces.face_colors, surfaces.face_materials,
        table.kinds, table.scales, table.strengths, table.axes, table.seeds,
        normals.astype(np.float32), lamps.astype(np.float32), lights.strengths, np.float32(lights.ambient),
        body_from_camera.astype(np.float32), fx, fy, cx, cy, image,
    )  # fmt: skip
    return image


@njit(cache=True, nogil=True, inline="always")
def _lattice(x, y, z, seed):
    """A number in 0..1 that belongs to a lattice cell."""
    h = (x * 374761393 + y * 668265263 + z * 1274126177 + seed * 1442695041) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 2246822519) & 0xFFFFFFFF
    return np.float32((h ^ (h >> 15)) & 0xFFFF) * np.float32(1.0 / 65536.0)


@njit(cache=True, nogil=True)
def _value_noise(x, y, z, seed):
    """Smooth noise in 0..1 with one feature per unit length."""
    ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    u, v, w = x - ix, y - iy, z - iz
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = np.float32(0.0)
    for a in range(2):
        for b in range(2):
            for c in range(2):
                weight = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
                total += weight * _lattice(ix + a, iy + b, iz + c, seed)
    return total


@njit(cache=True, nogil=True)
def _rough_noise(x, y, z, seed):
    """Three octaves of value noise, about 0..1."""
    first = _value_noise(x, y, z, seed)
    second = _value_noise(x * 2.17, y * 2.17, z * 2.17, seed + 1)
    third = _value_noise(x * 4.71, y * 4.71, z * 4.71, seed + 2)
    return 0.5 * first + 0.3 * second + 0.2 * third


@njit(cache=True, nogil=True)
def _texture(kind, x, y, z, ax, ay, az, strength, seed, color):
    """Multiply `color` by a solid texture at (x, y, z), measured in features."""
    factor = np.float32(1.0)
    if kind == _PLAIN:
        factor = 1 + strength * (_value_noise(x * 0.15, y * 0.15, z * 0.15, seed) - 0.5)
    elif kind == _NOISE:
        factor = 1 + 2.2 * strength * (_rough_noise(x, y, z, seed) - 0.5)
    elif kind == _WOOD:
        # Grain runs along the axis: squeeze that direction before the noise that bends the rings.
        along = x * ax + y * ay + z * az
        px, py, pz = x - 0.88 * along * ax, y - 0.88 * along * ay, z - 0.88 * along * az
        bend = _rough_noise(px * 0.35, py * 0.35, pz * 0.35, seed)
        rings = np.sin(6.2832 * (6.0 * bend + 0.25 * (px + py + pz)))
        fine = _value_noise(px * 3.0, py * 3.0, pz * 3.0, seed + 3) - 0.5
        factor = 1 + 0.45 * strength * rings + 0.9 * strength * fine
    elif kind == _STRIPES:
        place = (x * ax + y * ay + z * az) * 0.5
        factor = 1 + strength * (0.7 if place - np.floor(place) < 0.5 else -0.5)
        factor *= 1 + 0.5 * strength * (_value_noise(x, y, z, seed) - 0.5)
    elif kind == _PRINT:
        # Blocks of ink in two sizes, like a label or a patterned fabric.
        ix, iy, iz = int(np.floor(x * 0.5)), int(np.floor(y * 0.5)), int(np.floor(z * 0.5))
        big = _lattice(ix, iy, iz, seed)
        small = _lattice(int(np.floor(x * 1.6)), int(np.floor(y * 1.6)), int(np.floor(z * 1.6)), seed + 1)
        for channel in range(3):
            tint = _lattice(ix, iy, iz, seed + 5 + channel)
            color[channel] *= 1 + strength * (1.2 * (tint - 0.5) + 0.8 * (big - 0.5))
        factor = 1 - strength if small > 0.72 else np.float32(1.0)
    elif kind == _TILES:
        ux, uy, uz = x * 0.33, y * 0.33, z * 0.33
        grout = False
        for u in (ux, uy, uz):
            share = u - np.floor(u)
            grout = grout or share < 0.04
        shade = _lattice(int(np.floor(ux)), int(np.floor(uy)), int(np.floor(uz)), seed)
        factor = 0.6 if grout else 1 + strength * (shade - 0.5)
        factor *= 1 + strength * (_rough_noise(x, y, z, seed + 4) - 0.5)
    else:
        value = _value_noise(x * 2.5, y * 2.5, z * 2.5, seed)
        factor = 1 + strength * (-0.8 if value > 0.68 else 0.5 if value < 0.26 else 0.0)
    for channel in range(3):
        color[channel] *= factor


@njit(cache=True, nogil=True)
def _shade(
    depths, face_ids, face_bodies, face_colors, face_materials, kinds, scales, strengths, axes, seeds,
    normals, lamps, lamp_strengths, ambient, body_from_camera, fx, fy, cx, cy, image,
):  # fmt: skip
    height, width = depths.shape
    color = np.empty(3, dtype=np.float32)
    for row in range(height):
        for column in range(width):
            face = face_ids[row, column]
            if face < 0:
                for channel in range(3):
                    image[row, column, channel] = 0.75
                continue
            z = depths[row, column]
            x, y = (column - cx) / fx * z, (row - cy) / fy * z
            m = body_from_camera[face_bodies[face]]
            material = face_materials[face]
            scale = scales[material]
            # The shift keeps flat faces at round coordinates off the borders of lattice cells.
            shift = np.float32((seeds[material] % 997) * 0.0613 + 0.37)
            px = (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]) * scale + shift
            py = (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]) * scale + shift
            pz = (m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]) * scale + shift
            for channel in range(3):
                color[channel] = face_colors[face, channel] * np.float32(1.0 / 255.0)
            _texture(
                kinds[material], px, py, pz, axes[material, 0], axes[material, 1], axes[material, 2],
                strengths[material], seeds[material], color,
            )  # fmt: skip
            nx, ny, nz = normals[face, 0], normals[face, 1], normals[face, 2]
            if nx * x + ny * y + nz * z > 0:
                nx, ny, nz = -nx, -ny, -nz
            light = ambient
            for lamp in range(len(lamps)):
                cosine = nx * lamps[lamp, 0] + ny * lamps[lamp, 1] + nz * lamps[lamp, 2]
                if cosine > 0:
                    light += lamp_strengths[lamp] * cosine
            for channel in range(3):
                image[row, column, channel] = color[channel] * light * np.float32(1.15)
