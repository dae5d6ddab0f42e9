"""Kitchen furniture of NVIDIA's `scene-synthesizer` (Apache-2.0) as a further source; the package is optional.

It is no extra of ours because it needs `triangle`, whose licence rules out commercial use: who wants it installs it.
"""

import dataclasses
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import JointType
from sim2art.assets.decimation import lightened
from sim2art.assets.placement import stand_on_floor
from sim2art.assets.procedural.palette import sample_palette, vary
from sim2art.assets.urdf import read_urdf
from sim2art.errors import MissingPackageError

_Draw = Callable[[Any, np.random.Generator], Any]


def _at_random(kind: str) -> _Draw:
    """Draw an asset by its own sampler."""
    return lambda assets, rng: getattr(assets, kind).random(seed=int(rng.integers(2**31)))


def _draw_microwave(assets: Any, rng: np.random.Generator) -> Any:
    width = float(rng.uniform(0.42, 0.6))
    return assets.MicrowaveAsset(
        width=width,
        depth=float(rng.uniform(0.3, 0.42)),
        height=width * float(rng.uniform(0.52, 0.68)),
        handle_left=bool(rng.random() < 0.3),
    )


SYNTHESIZED: dict[str, _Draw] = {
    "synth:refrigerator": _at_random("RefrigeratorAsset"),
    "synth:range": _at_random("RangeAsset"),
    "synth:dishwasher": _at_random("DishwasherAsset"),
    "synth:base_cabinet": _at_random("BaseCabinetAsset"),
    "synth:wall_cabinet": _at_random("WallCabinetAsset"),
    "synth:microwave": _draw_microwave,
}
"""Name of a family -> how the package draws from it."""


def make_synthesized(name: str, rng: np.random.Generator) -> ArticulatedObject:
    """An object of a family of the package, standing on z = 0, facing -y, in metres.

    Raises:
        MissingPackageError: When the package is not installed.
    """
    if find_spec("scene_synthesizer") is None:
        raise MissingPackageError(
            f"'{name}' is made by the package scene-synthesizer, which is not installed. Run: pip install "
            "scene-synthesizer (mind the licence of its dependency 'triangle')."
        )
    scene = SYNTHESIZED[name](import_module("scene_synthesizer.procedural_assets"), rng).scene()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object.urdf"
        scene.export(str(path), write_mesh_files=True)
        found = read_urdf(path, name=name.removeprefix("synth:"))
    return lightened(stand_on_floor(_paint(_still_racks(found) if "dishwasher" in name else found, rng)))


def _still_racks(found: ArticulatedObject) -> ArticulatedObject:
    """The racks held still: their joints do not know of the door in front of them."""
    joints = [
        dataclasses.replace(joint, type=JointType.FIXED, limits=None) if joint.type is JointType.PRISMATIC else joint
        for joint in found.joints
    ]
    return dataclasses.replace(found, joints=tuple(joints))


def _paint(found: ArticulatedObject, rng: np.random.Generator) -> ArticulatedObject:
    """Colours of furniture: the package leaves its meshes grey."""
    palette = sample_palette(rng)
    moving = {joint.child for joint in found.joints if joint.type is not JointType.FIXED}

    def paint(link: Link) -> Link:
        color = vary(rng, palette.front if link.name in moving else palette.body, 4.0)
        if link.mesh is None:
            return link
        return dataclasses.replace(link, mesh=link.mesh.painted(color), color=color)

    return dataclasses.replace(found, links=tuple(paint(link) for link in found.links))
