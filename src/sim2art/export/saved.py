"""A result folder read back: what `sim2art run` wrote, as the objects it was written from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.assembly import part_color
from sim2art.errors import InvalidFileError, InvalidValueError, SchemaError
from sim2art.export.labels import read_labels
from sim2art.export.mesh_files import read_obj
from sim2art.export.result import Result, read_result
from sim2art.stages import finish_move


@dataclass(frozen=True, kw_only=True)
class SavedResult:
    """A result, its parts' meshes and its label images."""

    folder: Path
    result: Result
    """Status, joints with their doubt, motion over the used frames."""
    articulated_object: ArticulatedObject
    """The same joints, with rest-pose meshes in the world of the result; links are named as the result's parts."""
    labels: UInt8[np.ndarray, "frame height width"] | None
    """Part of every pixel of the used frames, 255 where no known part is seen; None when the folder has no labels."""


def load_result(folder: Path) -> SavedResult:
    """Read a result folder.

    Raises:
        InvalidFileError: When there is no result, or one of its files is missing or damaged.
        SchemaError: When another version wrote it in a form that this one does not read.
    """
    finish_move(folder)
    path = folder / "result.json"
    if not path.is_file():
        raise InvalidFileError(
            f"'{folder}' holds no result.json; give the output folder of a finished sim2art run.", path=path
        )
    result = read_result(path)
    if result.mesh_frame != "world" and any(result.part_meshes):
        raise SchemaError(
            f"'{folder}' was written by an earlier version, whose meshes stand in the frames of their links. "
            "Run the recording again with this version.",
            path=path,
        )
    links = tuple(
        Link(name=name, mesh=None if mesh is None else read_obj(folder / mesh), color=part_color(index))
        for index, (name, mesh) in enumerate(zip(result.part_names, result.part_meshes, strict=True))
    )
    try:
        articulated_object = ArticulatedObject(
            name=result.name, links=links, joints=tuple(found.joint for found in result.joints)
        )
    except InvalidValueError as error:
        raise InvalidFileError(f"'{path}' is damaged: {error} Run the recording again.", path=path) from error
    labels = read_labels(folder / "labels", result.frame_ids) if (folder / "labels").is_dir() else None
    return SavedResult(folder=folder, result=result, articulated_object=articulated_object, labels=labels)
