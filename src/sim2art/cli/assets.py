"""`sim2art assets`: what clips are made of, as a table and as a picture."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import JointType
from sim2art.assets.collection import FILE_PREFIX, open_collection
from sim2art.assets.library import check_assets, make_asset
from sim2art.assets.procedural import NOVEL_FAMILIES, TRAINING_FAMILIES
from sim2art.assets.real_mesh import REAL_MESHES
from sim2art.assets.scene_synthesizer import SYNTHESIZED
from sim2art.errors import InvalidValueError, OutputExistsError
from sim2art.simulate.joint_motions import sample_joint_values
from sim2art.simulate.seeds import named_rng
from sim2art.view.contact_sheet import draw_contact_sheet, draw_object

SourceName = Literal["training", "novel", "real-mesh", "scene-synthesizer"]
SOURCES: dict[SourceName, tuple[str, ...]] = {
    "training": TRAINING_FAMILIES,
    "novel": NOVEL_FAMILIES,
    "real-mesh": tuple(REAL_MESHES),
    "scene-synthesizer": tuple(SYNTHESIZED),
}
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AssetsOptions:
    """List the objects that clips are made of; draw a sheet of them."""

    source: tuple[SourceName, ...] = ("training", "novel")
    """Which to list: training, novel (kept for evaluation), real-mesh (made by others, for evaluation; fetched on first use), scene-synthesizer (an optional package)."""
    families: tuple[str, ...] = ()
    """Names to list instead of whole sources."""
    folder: Path | None = None
    """Folder of your own models (URDF, MJCF, PartNet-Mobility) to list instead."""
    sheet: Path | None = None
    """PNG to draw: random samples of each at random joint values."""
    samples: int = 4
    """Samples of each on the sheet (one for objects that are always the same)."""
    size: int = 160
    """Width of each picture, px."""
    seed: int = 0
    """Of the samples."""
    overwrite: bool = False
    """Replace the PNG when it exists."""


def assets(options: AssetsOptions) -> None:
    if options.samples < 1 or options.size < 16:
        raise InvalidValueError(
            f"--samples {options.samples} --size {options.size}: at least 1 sample and 16 px are needed."
        )
    if options.sheet is not None and options.sheet.exists() and not options.overwrite:
        raise OutputExistsError(
            f"'{options.sheet}' exists; choose another name, or pass --overwrite.", path=options.sheet
        )
    names = _choose_names(options.source, options.families, options.folder)
    print(f"{'name':<28} {'joints':<30} {'size (m)':<18} faces")
    pictures: list[tuple[str, UInt8[np.ndarray, "height width 3"]]] = []
    for name in names:
        first = make_asset(name, named_rng(options.seed, name, 0))
        shown = Path(name.removeprefix(FILE_PREFIX)).parent.name if name.startswith(FILE_PREFIX) else name
        print(f"{shown:<28} {_describe(first)}")
        if options.sheet is None:
            continue
        is_fixed = name in REAL_MESHES or name.startswith(FILE_PREFIX)
        for index in range(1 if is_fixed else options.samples):
            rng = named_rng(options.seed, name, index)
            drawn = make_asset(name, rng)
            pictures.append((shown, draw_object(drawn, sample_joint_values(drawn.joints, rng), size=options.size)))
    if options.sheet is not None:
        options.sheet.parent.mkdir(parents=True, exist_ok=True)
        draw_contact_sheet(pictures, columns=options.samples * max(1, 12 // options.samples)).save(options.sheet)
        _LOG.info("Drew %d pictures of %d objects to %s", len(pictures), len(names), options.sheet)


def _choose_names(source: tuple[SourceName, ...], families: tuple[str, ...], folder: Path | None) -> tuple[str, ...]:
    if families:
        check_assets(families)
    if families or folder is not None:
        return families + (() if folder is None else open_collection(folder))
    return tuple(name for chosen in source for name in SOURCES[chosen])


def _describe(found: ArticulatedObject) -> str:
    """Joints, size and faces of an object in a line."""
    counts = [
        (sum(joint.type is kind for joint in found.joints), word)
        for kind, word in ((JointType.REVOLUTE, "hinge"), (JointType.PRISMATIC, "slide"))
    ]
    joints = ", ".join(f"{count} {word}{'s' * (count > 1)}" for count, word in counts if count)
    corners = np.concatenate([link.mesh.vertices for link in found.links if link.mesh is not None])
    size = " x ".join(f"{side:.2f}" for side in np.ptp(corners, axis=0))
    faces = sum(len(link.mesh.faces) for link in found.links if link.mesh is not None)
    return f"{joints:<30} {size:<18} {faces}"
