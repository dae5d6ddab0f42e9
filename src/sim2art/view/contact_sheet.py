"""A sheet of pictures of objects, to look at what scenarios are drawn from."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.geometry.transforms import apply, look_at
from sim2art.view.rendering import render_object

_LABEL = 14  # px
_FOV, _AZIMUTH, _ELEVATION = np.deg2rad(40.0), 0.55, 0.42  # rad; azimuth 0 is the front.


def draw_object(
    articulated_object: ArticulatedObject, values: Float[np.ndarray, "joint"], *, size: int = 192
) -> UInt8[np.ndarray, "height width 3"]:
    """A picture of an object on white, seen from its front, a little from above.

    Args:
        articulated_object: Stands on z = 0 and faces -y.
        values: Of its joints, rad or m.
        size: Width and height of the picture, px.
    """
    motions = link_motions(articulated_object, values)
    corners = np.concatenate(
        [
            apply(motion, link.mesh.vertices)
            for motion, link in zip(motions, articulated_object.links, strict=True)
            if link.mesh is not None and len(link.mesh.vertices)
        ]
    )
    low, high = corners.min(axis=0), corners.max(axis=0)
    across = np.cos(_ELEVATION) * np.array([np.sin(_AZIMUTH), -np.cos(_AZIMUTH)])
    away = 0.56 * float(np.linalg.norm(high - low)) / np.tan(_FOV / 2)
    eye = (low + high) / 2 + away * np.array([*across, np.sin(_ELEVATION)])
    world_from_camera = look_at(eye, (low + high) / 2, np.array([0.0, 0.0, 1.0]))
    intrinsics = intrinsics_from_fov(size, size, _FOV)
    picture = render_object(articulated_object, values, world_from_camera, intrinsics, (size, size), tint=0.0)
    cover = picture[..., 3:] / 255.0
    return np.round(picture[..., :3] * cover + 255 * (1 - cover)).astype(np.uint8)


def draw_contact_sheet(
    pictures: Sequence[tuple[str, UInt8[np.ndarray, "height width 3"]]], *, columns: int = 8
) -> Image.Image:
    """Pictures of one size in rows, each above its name."""
    size = pictures[0][1].shape[0]
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (min(columns, len(pictures)) * size, rows * (size + _LABEL)), (255, 255, 255))
    pen = ImageDraw.Draw(sheet)
    for index, (name, picture) in enumerate(pictures):
        x, y = index % columns * size, index // columns * (size + _LABEL)
        sheet.paste(Image.fromarray(picture), (x, y))
        pen.text((x + 3, y + size + 1), name, fill=(20, 20, 20))
    return sheet
