"""Colour of a stage: textures, lamps, exposure changes and image noise, for recordings and for clips with features."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.rasterizer import render_frames
from sim2art.simulate.hands import SKINS
from sim2art.simulate.materials import (
    CLUTTER_SHARES,
    FLOOR_SHARES,
    OBJECT_SHARES,
    WALL_SHARES,
    Material,
    sample_materials,
)
from sim2art.simulate.scenario import Scenario
from sim2art.simulate.seeds import named_rng
from sim2art.simulate.shading import Surfaces, sample_lights, shade_frame
from sim2art.simulate.stage import StageFrames


def render_images(
    scenario: Scenario,
    stage: StageFrames,
    hand: TriangleMesh | None = None,
    *,
    supersampling: int = 1,
    is_plain: bool = False,
) -> UInt8[np.ndarray, "frame height width 3"]:
    """Colour (RGB) of every frame, with exposure changes and image noise; a scenario has one look, whoever asks.

    Args:
        hand: The hand's mesh, when the stage has one.
        supersampling: Colour is rendered this much finer and averaged; 1 is fast, and aliases at edges.
        is_plain: Whether the object has no texture, whatever its scenario says.
    """
    factor = supersampling
    seed = scenario.seed
    rng = named_rng(seed, "image")
    surfaces = _make_surfaces(scenario, stage, hand, is_plain=is_plain)
    lights = sample_lights(named_rng(seed, "lights"))
    num_frames, height, width = stage.depths.shape
    fine = stage.intrinsics * factor
    # The centre of the first fine pixel lies (factor - 1) / 2 fine pixels before that of the first coarse one.
    fine[:2, 2] += (factor - 1) / 2
    fine[2, 2] = 1.0
    room_body = stage.room_body
    is_ours = bool((stage.face_ids >= 0).any())  # Other renderers do not say which face they saw.
    images = np.empty((num_frames, height, width, 3), dtype=np.uint8)
    exposure = 1.0 + rng.uniform(0.0, 0.05) * np.sin(np.linspace(0, rng.uniform(2, 9), num_frames) + rng.uniform(0, 6))
    noise = rng.uniform(1.0, 3.5)
    for frame in range(num_frames):
        depths, face_ids = stage.depths[frame], stage.face_ids[frame]
        if factor > 1 or not is_ours:
            rendered = render_frames(
                stage.meshes, stage.camera_from_body[frame, None], fine, width=width * factor, height=height * factor
            )
            depths, face_ids = rendered.depths[0], rendered.face_ids[0]
        linear = shade_frame(
            stage.meshes,
            surfaces,
            lights,
            depths=depths,
            face_ids=face_ids,
            camera_from_body=stage.camera_from_body[frame],
            camera_from_stage=stage.camera_from_body[frame, room_body],
            intrinsics=fine,
        )
        coarse = linear.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))
        values = 255.0 * np.clip(coarse * exposure[frame], 0.0, 1.0)
        values += noise * rng.standard_normal(values.shape, dtype=np.float32)
        images[frame] = np.clip(np.rint(values), 0, 255)
    return images


def _make_surfaces(scenario: Scenario, stage: StageFrames, hand: TriangleMesh | None, *, is_plain: bool) -> Surfaces:
    """Colours and materials of links, room and hand, in the order of the stage's faces."""
    rng = named_rng(scenario.seed, "surfaces")
    links = scenario.articulated_object.links
    corners = [link.mesh.vertices for link in links if link.mesh is not None and len(link.mesh.vertices)]
    size = float(np.max(np.ptp(np.concatenate(corners), axis=0)))
    shared = OBJECT_SHARES if rng.uniform() < 0.5 else None
    link_shares = [OBJECT_SHARES] * len(links)
    if shared is not None:  # One material for the whole object, as furniture has.
        options = list(shared)
        weights = np.array(list(shared.values()))
        link_shares = [{options[rng.choice(len(options), p=weights / weights.sum())]: 1.0}] * len(links)
    if is_plain:
        link_shares = [{Material.PLAIN: 1.0}] * len(links)
    room_shares = [
        FLOOR_SHARES
        if index == 0
        else CLUTTER_SHARES
        if np.ptp(mesh.vertices, axis=0).max() < 2 * size
        else WALL_SHARES
        for index, mesh in enumerate(scenario.room)
    ]
    room_sizes = [size * rng.uniform(1.0, 2.0) for _ in scenario.room]
    shares = [*link_shares, *room_shares, {Material.PLAIN: 1.0}]
    materials = sample_materials(shares, [size] * len(links) + room_sizes + [0.2], rng)
    colors: list[np.ndarray] = []
    indices: list[np.ndarray] = []

    def cover(mesh: TriangleMesh, material: int, color: Sequence[int]) -> None:
        """Give a mesh a material, and a colour where it has none of its own."""
        own = mesh.painted(color).colors if mesh.colors is None else mesh.colors
        assert own is not None
        colors.append(own)
        indices.append(np.full(len(mesh.faces), material))

    for index, link in enumerate(links):
        if link.mesh is not None:
            cover(link.mesh, index, link.color)
    for index, mesh in enumerate(scenario.room, start=len(links)):
        tint = np.clip(rng.uniform(80, 205) + rng.normal(0, 14, 3), 30, 235).astype(np.uint8)
        cover(mesh, index, tint.tolist())
    if hand is not None:
        cover(hand, len(shares) - 1, SKINS[0])
    face_materials = np.concatenate(indices).astype(np.int32)
    return Surfaces(face_colors=np.concatenate(colors), face_materials=face_materials, materials=materials)
