"""A sheet of pictures of objects at random joint values, to look at what scenarios are drawn from."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.geometry.meshes import TriangleMesh, make_box
from sim2art.geometry.rasterizer import collect_bodies, render_frames
from sim2art.geometry.transforms import apply, inverse, look_at
from sim2art.simulate.joint_motions import joint_span
from sim2art.simulate.materials import Material, sample_materials
from sim2art.simulate.shading import Lights, Surfaces, shade_frame

_UP = np.array([0.0, 0.0, 1.0])
_FLOOR = (214, 212, 206)
_LABEL = 14  # px
_LIGHTS = Lights(
    directions=np.array([[-0.35, -0.7, 0.62], [0.8, -0.5, 0.33]], dtype=np.float32),
    strengths=np.array([0.5, 0.16], dtype=np.float32),
    ambient=0.42,
)


def sample_joint_values(articulated_object: ArticulatedObject, rng: np.random.Generator) -> Float[np.ndarray, "joint"]:
    """Values (rad or m) anywhere in the range of each joint."""
    spans = [joint_span(joint) for joint in articulated_object.joints]
    return np.array([rng.uniform(low, high) for low, high in spans])


def draw_object(
    articulated_object: ArticulatedObject, values: Float[np.ndarray, "joint"], *, size: int = 192, azimuth: float = 0.55
) -> UInt8[np.ndarray, "height width 3"]:
    """A picture of an object on a floor, seen from its front, a little from above.

    Args:
        articulated_object: Stands on z = 0 and faces -y.
        values: Of its joints, rad or m.
        size: Width and height of the picture, px.
        azimuth: Direction of the view, rad; 0 is the front.
    """
    motions = link_motions(articulated_object, values)
    corners = np.concatenate(
        [
            apply(motions[index], link.mesh.vertices)
            for index, link in enumerate(articulated_object.links)
            if link.mesh is not None and len(link.mesh.vertices)
        ]
    )
    low, high = corners.min(axis=0), corners.max(axis=0)
    reach = float(np.linalg.norm(high - low))
    floor = make_box(np.array([8 * reach, 8 * reach, 0.02 * reach]), np.array([0.0, 0.0, low[2] - 0.011 * reach]))
    meshes = [link.mesh for link in articulated_object.links]
    bodies = collect_bodies([*meshes, floor])
    fov, elevation = np.deg2rad(40.0), 0.42
    direction = np.array([np.cos(elevation) * np.sin(azimuth), -np.cos(elevation) * np.cos(azimuth), np.sin(elevation)])
    target = (low + high) / 2
    stage_from_camera = look_at(target + direction * 0.56 * reach / np.tan(fov / 2), target, _UP)
    fine = 2 * size
    intrinsics = intrinsics_from_fov(fine, fine, fov)
    camera_from_stage = inverse(stage_from_camera)
    camera_from_body = camera_from_stage @ np.concatenate([motions, np.eye(4)[None]])
    rendered = render_frames(bodies, camera_from_body[None], intrinsics, width=fine, height=fine)
    linear = shade_frame(
        bodies,
        _plain_surfaces(articulated_object, floor),
        _LIGHTS,
        depths=rendered.depths[0],
        face_ids=rendered.face_ids[0],
        camera_from_body=camera_from_body,
        camera_from_stage=camera_from_stage,
        intrinsics=intrinsics,
    )
    coarse = linear.reshape(size, 2, size, 2, 3).mean(axis=(1, 3))
    return np.clip(np.rint(255 * coarse), 0, 255).astype(np.uint8)


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


def _plain_surfaces(articulated_object: ArticulatedObject, floor: TriangleMesh) -> Surfaces:
    """The objects' own colours, next to no texture."""
    colors = []
    for link in articulated_object.links:
        if link.mesh is None:
            continue
        plain = np.tile(np.array(link.color, dtype=np.uint8), (len(link.mesh.faces), 1))
        colors.append(plain if link.mesh.colors is None else link.mesh.colors)
    colors.append(np.tile(np.array(_FLOOR, dtype=np.uint8), (len(floor.faces), 1)))
    face_colors = np.concatenate(colors)
    return Surfaces(
        face_colors=face_colors,
        face_materials=np.zeros(len(face_colors), dtype=np.int32),
        materials=sample_materials([{Material.PLAIN: 1.0}], [1.0], np.random.default_rng(0)),
    )
