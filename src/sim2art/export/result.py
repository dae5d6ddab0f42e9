"""`result.json`, the answer as a file that others read. Its schema is versioned, extended, never broken silently.

World is the first used camera's frame (OpenCV axes), joints stand in it as they are at the first used frame, values are
rad or m and 0 there.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sim2art.articulation.error_law import error_radius
from sim2art.articulation.estimate import JointEstimate, Status, part_name
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.articulation.verdict import Outcome, SimulationCheck, SimulationVerdict
from sim2art.errors import DAMAGED, InvalidFileError, InvalidValueError, SchemaError
from sim2art.export.physics import LimitSource, joint_limits
from sim2art.export.up import Up, up_from_dict, up_to_dict

RESULT_SCHEMA = "sim2art.result/2"
READ_SCHEMAS = ("sim2art.result/1", RESULT_SCHEMA)
"""The first had values of the used frames only."""
WORLD = "first used camera, OpenCV axes (x right, y down, z forward), metres"


@dataclass(frozen=True, kw_only=True)
class MeshCompleteness:
    """How much of a part's surface was seen, and what was made up for the rest."""

    seen: float
    """Share of the part's box-completed surface that frames showed, 0..1."""
    method: Literal["none", "box", "symmetry", "convex"] = "none"
    """How the rest was filled in; none leaves it open."""
    invented_mesh: str | None = None
    """Mesh file of what was filled in, relative to the result's folder; None where nothing was."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """All that `result.json` holds."""

    status: Status
    reasons: tuple[str, ...] = ()
    """Why the status is not ok, in words."""
    warnings: tuple[str, ...] = ()
    """What a user should know about a result that may still be ok."""
    is_metric: bool
    frame_ids: tuple[int, ...]
    """Ids of the used frames in the recording."""
    part_meshes: tuple[str | None, ...]
    """Mesh file of each part, relative to the result's folder, the base first."""
    part_names: tuple[str, ...] = ()
    """Name of each part, which joints call them by; empty gives "base", "part_1", ... (see `part_name`)."""
    joints: tuple[JointEstimate, ...]
    """Joint i carries part i + 1."""
    trajectory: JointTrajectory
    provenance: dict[str, Any]
    states: FrameStates | None = None
    """Joint values of every frame of the recording; None where nobody looked, or where a person changed the joints."""
    name: str = "object"
    """Of the whole model."""
    mesh_frame: Literal["world", "link"] = "world"
    """Where the mesh files' vertices stand; "link" only in folders of versions that wrote no such word."""
    completeness: tuple[MeshCompleteness | None, ...] = ()
    """How much of each part was seen; None, or empty for all, where nothing was looked into."""
    simulation: SimulationVerdict | None = None
    """What a simulator said about the exports; None where none was asked."""
    up: Up | None = None
    """Which way is up; None in folders of versions that did not say."""
    export: dict[str, Any] | None = None
    """How `sim2art export` wrote the model files (see `package.options_to_dict`); None where it was not asked."""

    def __post_init__(self) -> None:
        if not self.part_names:
            object.__setattr__(self, "part_names", tuple(part_name(index) for index in range(len(self.part_meshes))))
        if len(self.part_meshes) != len(self.joints) + 1:
            raise InvalidValueError(
                f"Result has {len(self.part_meshes)} parts and {len(self.joints)} joints; one part more than joints is needed."
            )
        if len(self.part_names) != len(self.part_meshes) or len(set(self.part_names)) != len(self.part_names):
            raise InvalidValueError(
                f"Result has {len(self.part_meshes)} parts and the names {list(self.part_names)}; "
                "one name of its own is needed for each."
            )
        if not self.completeness:
            object.__setattr__(self, "completeness", (None,) * len(self.part_meshes))
        if len(self.completeness) != len(self.part_meshes):
            raise InvalidValueError(
                f"Result has {len(self.part_meshes)} parts and says of {len(self.completeness)} how much was seen; "
                "one entry a part, or none at all, is needed."
            )
        if self.trajectory.values.shape != (len(self.frame_ids), len(self.joints)):
            raise InvalidValueError(
                f"Result has values of shape {self.trajectory.values.shape} for {len(self.frame_ids)} frames and "
                f"{len(self.joints)} joints; one value per frame and joint is needed."
            )
        if self.states is not None and len(self.states.followed) != len(self.joints):
            raise InvalidValueError(
                f"Result has {len(self.joints)} joints and states of {len(self.states.followed)}; one column each is needed."
            )


def write_result(path: Path, result: Result) -> None:
    """Write `result.json`; the file appears whole or not at all.

    Raises:
        InvalidValueError: When a number is not finite or a joint names a link that is no part.
    """
    states, said = result.states, result.simulation
    content = {
        "schema": RESULT_SCHEMA,
        "name": result.name,
        "status": result.status.value,
        "reasons": list(result.reasons),
        "warnings": list(result.warnings),
        "is_metric": result.is_metric,
        "frames": [int(frame) for frame in result.frame_ids],
        "times": result.trajectory.times.tolist(),
        "all_frames": None if states is None else [int(frame) for frame in states.frame_ids],
        "all_times": None if states is None else states.times.tolist(),
        "world": WORLD,
        "mesh_frame": result.mesh_frame,
        "up": None if result.up is None else up_to_dict(result.up),
        "parts": [
            {"index": index, "name": name, "mesh": mesh, "completeness": None if seen is None else asdict(seen)}
            for index, (name, mesh, seen) in enumerate(
                zip(result.part_names, result.part_meshes, result.completeness, strict=True)
            )
        ],
        "joints": [
            _joint_to_dict(joint, result.trajectory.values[:, index], result.part_names)
            | _states_to_dict(states, index, result.trajectory.values[:, index])
            for index, joint in enumerate(result.joints)
        ],
        "simulation": None if said is None else {"outcome": said.outcome.value, **asdict(said)},
        "export": result.export,
        "provenance": result.provenance,
    }
    try:
        text = json.dumps(content, indent=2, allow_nan=False, default=str)
    except ValueError as error:
        raise InvalidValueError(
            f"The result holds a number that is not finite: {_first_not_finite(content)}."
        ) from error
    unfinished = path.with_suffix(".json.part")
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(path)


def read_result(path: Path) -> Result:
    """Read `result.json`.

    Raises:
        InvalidFileError: When the file is missing, is not JSON, or lacks something.
        SchemaError: When it is of another schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except DAMAGED as error:
        raise InvalidFileError(f"Cannot read a result from '{path}': {error}.", path=path) from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema not in READ_SCHEMAS:
        raise SchemaError(
            f"'{path}' has schema {schema!r}; this version reads {' and '.join(READ_SCHEMAS)}. "
            "Run the recording again with this version, or read it with the version that wrote it.",
            path=path,
        )
    try:
        times = np.array(content["times"], dtype=np.float64)
        rows = [joint["values"] for joint in content["joints"]]
        names = tuple(joint["name"] for joint in content["joints"])
        part_names = tuple(str(part["name"]) for part in content["parts"])
        values = np.array(rows, dtype=np.float64).reshape(len(rows), len(times)).T
        return Result(
            name=str(content.get("name", "object")),
            mesh_frame=content.get("mesh_frame", "link"),
            up=up_from_dict(content.get("up")),
            status=Status(content["status"]),
            reasons=tuple(content["reasons"]),
            warnings=tuple(content.get("warnings", ())),
            is_metric=bool(content["is_metric"]),
            frame_ids=tuple(int(frame) for frame in content["frames"]),
            part_meshes=tuple(part["mesh"] for part in content["parts"]),
            part_names=part_names,
            joints=tuple(_joint_from_dict(joint, part_names) for joint in content["joints"]),
            trajectory=JointTrajectory(joint_names=names, times=times, values=np.ascontiguousarray(values)),
            provenance=dict(content["provenance"]),
            states=_states_from_dict(content),
            completeness=tuple(
                None if part.get("completeness") is None else MeshCompleteness(**part["completeness"])
                for part in content["parts"]
            ),
            simulation=None if content.get("simulation") is None else _verdict_from_dict(content["simulation"]),
            export=None if content.get("export") is None else dict(content["export"]),
        )
    except DAMAGED as error:
        raise InvalidFileError(
            f"'{path}' is damaged: {type(error).__name__} {error}. Run the recording again.", path=path
        ) from error


def _verdict_from_dict(values: dict[str, Any]) -> SimulationVerdict:
    checks = tuple(SimulationCheck(**{**check, "outcome": Outcome(check["outcome"])}) for check in values["checks"])
    return SimulationVerdict(engine=values["engine"], checks=checks)


def _joint_to_dict(estimate: JointEstimate, values: np.ndarray, part_names: Sequence[str]) -> dict[str, Any]:
    joint = estimate.joint
    limits, source = joint_limits(joint)
    within = error_radius(0.95)
    return {
        "name": joint.name,
        "type": joint.type.value,
        "parent": _part_index(joint.parent, part_names, joint.name),
        "child": _part_index(joint.child, part_names, joint.name),
        "axis": joint.axis.tolist(),
        "pivot": None if joint.pivot is None else joint.pivot.tolist(),
        "values": values.tolist(),
        "limits": {"lower": limits[0], "upper": limits[1], "source": source.value},
        "confidence": float(estimate.confidence),
        "type_probabilities": {kind.value: float(share) for kind, share in estimate.type_probabilities.items()},
        "axis_sigma_deg": None if estimate.axis_sigma is None else float(np.rad2deg(estimate.axis_sigma)),
        "pivot_sigma_m": None if estimate.pivot_sigma is None else float(estimate.pivot_sigma),
        "axis_95_deg": None if estimate.axis_sigma is None else float(np.rad2deg(within * estimate.axis_sigma)),
        "pivot_95_m": None if estimate.pivot_sigma is None else float(within * estimate.pivot_sigma),
        "status": estimate.status.value,
        "reasons": list(estimate.reasons),
    }


def _states_to_dict(states: FrameStates | None, index: int, values: np.ndarray) -> dict[str, Any]:
    """What a joint does in every frame, and its range: over all frames where it was followed, else over the used ones."""
    if states is None or not states.followed[index]:
        span = [float(values.min()), float(values.max())] if len(values) else [0.0, 0.0]
        sigma = None
    else:
        low, high, sigma = states.range_of(index)
        span = [low, high]
    known = states is not None
    return {
        "observed_range": span,
        "observed_range_sigma": sigma,
        "all_values": states.values[:, index].tolist() if known else None,
        "all_sigmas": states.sigmas[:, index].tolist() if known and states.followed[index] else None,
        "visible": states.visible[:, index].tolist() if known else None,
    }


def _states_from_dict(content: dict[str, Any]) -> FrameStates | None:
    if content.get("all_frames") is None:
        return None
    joints, count = content["joints"], len(content["all_frames"])
    followed = tuple(joint["all_sigmas"] is not None for joint in joints)

    def table(key: str, missing: float) -> np.ndarray:
        rows = [joint[key] if joint[key] is not None else [missing] * count for joint in joints]
        return np.ascontiguousarray(np.array(rows, dtype=np.float64).reshape(len(rows), count).T)

    values = table("all_values", 0.0)
    sigmas = table("all_sigmas", 0.0)
    for index, is_known in enumerate(followed):
        if not is_known:
            sigmas[:, index] = max(float(np.ptp(values[:, index])), 1e-3)
    return FrameStates(
        frame_ids=tuple(int(frame) for frame in content["all_frames"]),
        times=np.array(content["all_times"], dtype=np.float64),
        values=values,
        sigmas=sigmas,
        visible=table("visible", 1.0) > 0.5,
        followed=followed,
    )


def _joint_from_dict(values: dict[str, Any], part_names: Sequence[str]) -> JointEstimate:
    low, high = values["observed_range"]
    sigma = values["axis_sigma_deg"]
    limits = values.get("limits")
    return JointEstimate(
        joint=Joint(
            name=values["name"],
            type=JointType(values["type"]),
            parent=part_names[int(values["parent"])],
            child=part_names[int(values["child"])],
            axis=np.array(values["axis"], dtype=np.float64),
            pivot=None if values["pivot"] is None else np.array(values["pivot"], dtype=np.float64),
            observed_range=(float(low), float(high)),
            # Those of another source follow from the observed range.
            limits=(float(limits["lower"]), float(limits["upper"]))
            if limits is not None and limits["source"] == LimitSource.USER
            else None,
        ),
        type_probabilities={JointType(kind): float(share) for kind, share in values["type_probabilities"].items()},
        confidence=float(values["confidence"]),
        axis_sigma=None if sigma is None else float(np.deg2rad(sigma)),
        pivot_sigma=None if values["pivot_sigma_m"] is None else float(values["pivot_sigma_m"]),
        status=Status(values.get("status", "ok")),
        reasons=tuple(values.get("reasons", ())),
    )


def _part_index(link: str, part_names: Sequence[str], joint: str) -> int:
    if link not in part_names:
        raise InvalidValueError(f"Joint '{joint}' names link '{link}', which is no part; known: {list(part_names)}.")
    return part_names.index(link)


def _first_not_finite(value: Any, place: str = "") -> str:
    """Where the first number that is not finite stands, such as "joints[0].axis[1] = nan"."""
    if isinstance(value, float):
        return "" if np.isfinite(value) else f"{place} = {value}"
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = [(f"{place}.{key}" if place else str(key), child) for key, child in value.items()]
    elif isinstance(value, list | tuple):
        children = [(f"{place}[{index}]", child) for index, child in enumerate(value)]
    return next((found for name, child in children if (found := _first_not_finite(child, name))), "")
