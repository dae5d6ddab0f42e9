"""Results of one object from several videos made one: laid on each other by what stands still, joints and parts united.

The first result gives world and names. A part that both know gets one joint with the range of both; a part that moved
in one video only is cut out of the other one's base, where it was seen standing still.
"""

import dataclasses
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status, part_name
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import rebased
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import TriangleMesh, join_meshes
from sim2art.geometry.registration import Registration, register_surfaces
from sim2art.geometry.rotations import line_angle
from sim2art.geometry.screws import line_distance
from sim2art.observation.densify import NO_LABEL
from sim2art.observation.joining import join_labels, join_points, join_videos
from sim2art.view.draft import Draft, noted
from sim2art.view.edits import part_center
from sim2art.view.joint_union import united_joint
from sim2art.view.part_overlap import find_rest, keep_parts_apart, without_doubles

Value = TypeVar("Value")
UP = np.array([0.0, -1.0, 0.0])
"""Roughly, in the world of a result: its first camera was held more or less level."""


@dataclass(frozen=True, kw_only=True)
class MergeConfig:
    """When things count as the same."""

    min_overlap: float = 0.35
    """Of the static surfaces; below this the results are not merged."""
    sure_overlap: float = 0.6
    """Where the results have no moving part in common, the place is doubtful below this."""
    clear_lead: float = 0.93
    """A second placement with more than this share of the best one's score makes the merge doubtful."""
    max_axis_angle: float = np.deg2rad(15.0)
    max_axis_distance: float = 0.08
    """m, between turning axes."""
    min_part_overlap: float = 0.4
    """Of the surfaces of two parts, or of a part in the other result's base."""
    seed: int = 0


def merge_drafts(first: Draft, second: Draft, config: MergeConfig | None = None) -> Draft:
    """The two results as one, in the first one's world; its frames are those of both.

    Raises:
        InvalidValueError: When the results cannot be laid on each other, with how well the best placement fits.
    """
    config = config or MergeConfig()
    if not (first.is_metric and second.is_metric):
        raise InvalidValueError(
            "Results can only be merged when lengths are metres in all of them; here the scale of one is unknown. Give its "
            "recording a known length first."
        )
    for draft in (first, second):
        if draft.points is None or draft.video is None or draft.labels is None:
            raise InvalidValueError(
                f"Result '{draft.name}' keeps no used frames, points or labels; run its recording again with this version."
            )
    rng = np.random.default_rng(config.seed)
    places = _place(first, second, rng, config)
    unions = [_Union(first, second, place, rng, config) for place in places]
    # Where several placements fit the static part alike, the joints decide.
    best = max(unions, key=lambda union: (len(union.matches), union.place.score))
    merged = best.draft()
    warnings = list(merged.warnings)
    rivals = [union for union in unions if union is not best and len(union.matches) == len(best.matches)]
    if rivals:
        warnings.append(
            f"The results fit on each other in {len(rivals) + 1} ways; the best was taken. Look whether it is the right one."
        )
    warnings += best.remarks
    said = f"merged with {second.name}: {100 * best.place.overlap:.0f} % overlap, {len(best.matches)} part(s) known to both"
    return noted(dataclasses.replace(merged, warnings=tuple(dict.fromkeys(warnings))), said)


def _place(first: Draft, second: Draft, rng: np.random.Generator, config: MergeConfig) -> list[Registration]:
    """Placements of the second result in the first one's world that are about as good as the best."""
    bases = [draft.meshes[0] for draft in (first, second)]
    if bases[0] is None or bases[1] is None or not len(bases[0].faces) or not len(bases[1].faces):
        raise InvalidValueError(
            "One of the results has no mesh of its static part, so the two cannot be laid on each other."
        )
    hints = [
        np.array([part_center(draft, part) for part in range(1, draft.num_parts)]).reshape(-1, 3)
        for draft in (first, second)
    ]
    found = register_surfaces(bases[0], bases[1], rng=rng, up=UP, hints_a=hints[0], hints_b=hints[1])
    if not found or found[0].overlap < config.min_overlap:
        overlap = 100 * found[0].overlap if found else 0.0
        raise InvalidValueError(
            f"'{first.name}' and '{second.name}' could not be laid on each other: at best {overlap:.0f} % of their static "
            f"surfaces coincide, {100 * config.min_overlap:.0f} % are needed. Do both videos show the same object, from sides "
            "that have something in common?"
        )
    return [place for place in found if place.score > config.clear_lead * found[0].score]


class _Union:
    """The two results with the second in one placement: which parts are the same, and what comes of it."""

    def __init__(
        self, first: Draft, second: Draft, place: Registration, rng: np.random.Generator, config: MergeConfig
    ) -> None:
        self.first, self.second, self.place, self.config, self.rng = first, second, place, config, rng
        self.remarks: list[str] = []
        self.matches: dict[int, int] = {}
        """Part of the second -> the same part of the first."""
        self.model = second.articulated_object.moved(place.a_from_b)
        """The second object in the first one's world, brought to the first one's rest pose joint by joint."""
        self.values = second.estimate.trajectory.values.copy()
        """Its joint values, in the first one's sense and zero."""
        self.first_values = first.estimate.trajectory.values.copy()
        self.still = np.zeros(first.num_parts - 1)
        """Values at which the second video shows the parts that moved in the first only."""
        for part in [1 + index for index in self.model.joint_order]:
            self._match_or_rebase(part)
        self._find_still_parts()

    def _match_or_rebase(self, part: int) -> None:
        """Find a part of the second among those of the first, or in its base, and bring it to the same rest pose."""
        joint, mesh = self.model.joints[part - 1], self.model.links[part].mesh
        span = _span(self.values[:, part - 1])
        best: tuple[float, int, float, float] | None = None
        for other in range(1, self.first.num_parts):
            theirs = self.first.estimate.joints[other - 1].joint
            sign = self._same_line(theirs, joint)
            known = self.first.meshes[other]
            if sign == 0 or other in self.matches.values() or mesh is None or known is None:
                continue
            seen = _span(self.first_values[:, other - 1])
            own = span if sign > 0 else (-span[1], -span[0])
            value, overlap = find_rest(theirs, known, mesh, (seen[0] - own[1], seen[1] - own[0]), self.rng)
            if overlap >= self.config.min_part_overlap and (best is None or overlap > best[0]):
                best = overlap, other, sign, value
        if best is not None:
            _, other, sign, value = best
            self.matches[part] = other
            self._rebase(part, -sign * value)
            if sign < 0:
                self.values[:, part - 1] *= -1
                joints = list(self.model.joints)
                joints[part - 1] = joints[part - 1].flipped()
                self.model = dataclasses.replace(self.model, joints=tuple(joints))
            return
        base = self.first.meshes[0]
        if mesh is not None and base is not None and joint.type is not JointType.FIXED:
            value, overlap = find_rest(joint, mesh, base, span, self.rng, one_way=True)
            if overlap >= self.config.min_part_overlap:
                self._rebase(part, value)

    def _rebase(self, part: int, value: float) -> None:
        """Move the second object's rest pose along one joint."""
        step = np.zeros(len(self.model.joints))
        step[part - 1] = value
        self.model = rebased(self.model, step)
        self.values[:, part - 1] -= value

    def _find_still_parts(self) -> None:
        """Where the second video shows the parts that moved in the first only."""
        base = self.model.links[0].mesh
        for part in range(1, self.first.num_parts):
            joint, mesh = self.first.estimate.joints[part - 1].joint, self.first.meshes[part]
            if part in self.matches.values() or joint.type is JointType.FIXED or mesh is None or base is None:
                continue
            value, overlap = find_rest(joint, mesh, base, _span(self.first_values[:, part - 1]), self.rng, one_way=True)
            if overlap >= self.config.min_part_overlap:
                self.still[part - 1] = value

    def _same_line(self, a: Joint, b: Joint) -> float:
        """1 or -1 when two joints are of one type along one line, in the same or the opposite sense; else 0."""
        if a.type is not b.type or a.type is JointType.FIXED:
            return 0.0
        if float(line_angle(a.axis, b.axis)) > self.config.max_axis_angle:
            return 0.0
        if a.pivot is not None and b.pivot is not None:
            if line_distance(a.axis, a.pivot, b.axis, b.pivot) > self.config.max_axis_distance:
                return 0.0
        return 1.0 if a.axis @ b.axis > 0 else -1.0

    def draft(self) -> Draft:
        """What comes of it."""
        first, second = self.first, self.second
        new_part = dict(self.matches)
        extra = [part for part in range(1, second.num_parts) if part not in new_part]
        new_part |= {part: first.num_parts + index for index, part in enumerate(extra)} | {0: 0}
        joints = list(first.estimate.joints)
        for part, other in self.matches.items():
            joints[other - 1] = united_joint(
                joints[other - 1], second.estimate.joints[part - 1], self.model.joints[part - 1]
            )
        taken = {found.joint.name for found in joints}
        for part in extra:
            name = next(f"joint_{k}" for k in range(new_part[part], 1000) if f"joint_{k}" not in taken)
            taken.add(name)
            parent = new_part[second.parent_of(part)]
            joint = dataclasses.replace(
                self.model.joints[part - 1], name=name, parent=part_name(parent), child=part_name(new_part[part])
            )
            joints.append(dataclasses.replace(second.estimate.joints[part - 1], joint=joint))
        return Draft(
            name=first.name,
            estimate=self._estimate(tuple(joints), new_part, extra),
            part_names=_names(first, second, extra),
            meshes=tuple(self._meshes(new_part, extra)),
            frame_ids=_frame_ids(first, second),
            is_metric=True,
            labels=self._labels(new_part),
            video=join_videos(_known(first.video), _known(second.video), self.place.a_from_b),
            points=join_points(_known(first.points), _known(second.points), self.place.a_from_b),
            warnings=(*first.warnings, *second.warnings),
            edits=first.edits,
        )

    def _estimate(
        self, joints: tuple[JointEstimate, ...], new_part: dict[int, int], extra: list[int]
    ) -> ArticulationEstimate:
        first, second = self.first.estimate, self.second.estimate
        values = np.zeros((len(self.first_values) + len(self.values), len(joints)))
        values[: len(self.first_values), : self.first_values.shape[1]] = self.first_values
        values[len(self.first_values) :, : len(self.still)] = self.still
        for part in [*self.matches, *extra]:
            values[len(self.first_values) :, new_part[part] - 1] = self.values[:, part - 1]
        a, b = first.part_probabilities, second.part_probabilities
        probabilities = np.zeros((len(a) + len(b), max(a.shape[1], b.shape[1]), len(joints) + 1))
        probabilities[..., 0] = 1.0  # Slots without a point.
        probabilities[: len(a), : a.shape[1], : a.shape[2]] = a
        probabilities[len(a) :, : b.shape[1]] = 0.0
        for part, new in new_part.items():
            probabilities[len(a) :, : b.shape[1], new] = b[..., part]
        times = join_points(_known(self.first.points), _known(self.second.points), self.place.a_from_b).times
        doubts = self._doubts()
        known = (first.status, second.status, Status.AMBIGUOUS if doubts else Status.OK)
        return ArticulationEstimate(
            part_probabilities=probabilities,
            joints=joints,
            trajectory=JointTrajectory(
                joint_names=tuple(found.joint.name for found in joints), times=times.copy(), values=values
            ),
            status=max(known, key=list(Status).index),
            reasons=tuple(dict.fromkeys([*first.reasons, *second.reasons, *doubts])),
        )

    def _doubts(self) -> list[str]:
        """Why the placement may be wrong although the static surfaces coincide well enough."""
        if self.matches or self.place.overlap >= self.config.sure_overlap:
            return []
        return [
            f"the results have no moving part in common and only {100 * self.place.overlap:.0f} % of their static surfaces "
            "coincide: they may lie on each other wrongly"
        ]

    def _meshes(self, new_part: dict[int, int], extra: list[int]) -> list[TriangleMesh | None]:
        """The surfaces of both, doubles left out, and moving parts cut out of the bases that show them standing still."""
        first, second = list(self.first.meshes), [link.mesh for link in self.model.links]
        joints = [found.joint for found in self.first.estimate.joints]
        first[0] = keep_parts_apart(first[0], [second[part] for part in extra])
        stood = [
            None if mesh is None else mesh.transformed(joint.transform(value))
            for mesh, joint, value in zip(self.first.meshes[1:], joints, self.still, strict=True)
        ]
        unmatched = [mesh for part, mesh in enumerate(stood, start=1) if part not in self.matches.values()]
        second[0] = keep_parts_apart(second[0], unmatched)
        meshes: list[TriangleMesh | None] = [*first, *(second[part] for part in extra)]
        for part in [0, *self.matches]:
            other, more = new_part[part], second[part]
            known = meshes[other]
            if more is not None and known is not None:
                meshes[other] = join_meshes([known, without_doubles(more, known)])
            elif more is not None:
                meshes[other] = more
        return meshes

    def _labels(self, new_part: dict[int, int]) -> np.ndarray:
        lookup = np.full(256, NO_LABEL, dtype=np.uint8)
        for part, new in new_part.items():
            lookup[part] = new
        return join_labels(
            _known(self.first.video), _known(self.second.video), _known(self.first.labels),
            lookup[_known(self.second.labels)], no_label=NO_LABEL,
        )  # fmt: skip


def _span(values: Float[np.ndarray, "frame"]) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _names(first: Draft, second: Draft, extra: list[int]) -> tuple[str, ...]:
    """People's names: the first one's, then those of the second's own parts, made different where they clash."""
    names = list(first.part_names)
    for part in extra:
        own = second.part_names[part]
        name = part_name(len(names)) if own == part_name(part) else own
        while name in names:
            name += "_2"
        names.append(name)
    return tuple(names)


def _frame_ids(first: Draft, second: Draft) -> tuple[int, ...]:
    """The first one's ids, then the second one's raised above them by a round number."""
    step = 10 ** len(str(max(first.frame_ids, default=0)))
    return (*first.frame_ids, *(step + frame for frame in second.frame_ids))


def _known(value: Value | None) -> Value:
    assert value is not None
    return value
