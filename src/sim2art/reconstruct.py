"""The whole way from a recording to an articulated model: observe, estimate, label, mesh; `Reconstruction.save` writes it.

Given a folder to keep stages in, a run that was stopped goes on where it stood (`resume`).
"""

import dataclasses
import json
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

import sim2art
from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.assembly import assemble_object, part_motions
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.estimate_io import estimate_from_arrays, estimate_to_arrays, keep_largest_parts
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.export.up import Up, find_up
from sim2art.file_names import readable, readable_values
from sim2art.geometry.meshes import TriangleMesh
from sim2art.methods import MethodName, Predictor, load_method
from sim2art.networks import CHECKPOINTS
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.video_files import write_points, write_video
from sim2art.perception.captures.capture import Capture, ColorCapture
from sim2art.perception.captures.open_capture import open_recording
from sim2art.perception.components import COMPONENTS
from sim2art.perception.observation_io import (
    observation_from_stage,
    observation_to_stage,
    track_from_stage,
    track_to_stage,
)
from sim2art.perception.observed import NO_MOTION, Observation
from sim2art.perception.options import ObserveOptions
from sim2art.perception.stage_keys import camera_facts, observation_facts
from sim2art.perception.tasks import CameraTrack, ReadDepth
from sim2art.provenance import collect_provenance
from sim2art.stages import PARTIAL, Stage, StageKeeper, check_output, fingerprint, finish_move, make_key, move_in

logger = logging.getLogger(__name__)

MAX_JOINTS = 20
_SAME_PLACE = 0.01
"""Change of the parts' motions (m, rad) that leaves labels as they are."""


@dataclass(frozen=True, kw_only=True)
class ReconstructOptions:
    """How a recording becomes a model."""

    observe: ObserveOptions = field(default_factory=ObserveOptions)
    method: MethodName = "network"
    """The others are what the network is compared with."""
    checkpoint: Path | None = None
    """Folder of the network's weights; None takes those that ship with sim2art."""
    refine: bool = True
    """Fit the joints again to flow and surfaces, with sigmas; may drop, hang elsewhere or add parts."""
    keep_room: bool = False
    """Whether the base keeps floor and walls beyond the object."""
    up: Float[np.ndarray, "3"] | None = None
    """Which way is up, where a person says so: unit, axes of the first used camera."""
    label_all: bool = False
    """Label the pixels of every frame of the recording, not of the used ones only."""
    name: str = "object"
    """Name of the model in the files."""
    recording_name: str | None = None
    """Which video, for a folder that holds ViPE's results of several."""


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """An articulated model of a recorded object, and all that it was made from."""

    recording: Path
    observation: Observation
    estimate: ArticulationEstimate
    """Joints in the world frame (first used camera), as they stand at the first used frame."""
    labels: UInt8[np.ndarray, "frame height width"]
    """Part of every pixel of the used frames, 255 where no known part is seen; at the video's size."""
    articulated_object: ArticulatedObject
    up: Up
    """Which way is up in the world frame."""
    status: Status
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    timings: dict[str, float]
    """s a stage; 0 for stages that were kept from an earlier run."""
    states: FrameStates | None = None
    """Joint values of every frame; None where nothing moved or a person changed the joints."""
    other_labels: dict[int, UInt8[np.ndarray, "small_height small_width"]] = field(default_factory=dict)
    """By frame number, part of each pixel of frames that were not used, at a small size; empty unless asked for."""
    video_folder: Path | None = None
    """Folder of a result that the used frames were read from."""

    @property
    def video(self) -> RgbdVideo:
        """The used frames."""
        return self.observation.video

    @property
    def points(self) -> PointVideo:
        """The sampled points that the estimate speaks of."""
        return self.observation.points

    @property
    def frame_ids(self) -> tuple[int, ...]:
        """The recording's numbers of the used frames."""
        return self.observation.frame_ids

    def save(
        self, output: Path | str, *, overwrite: bool = False, config: dict[str, Any] | None = None, **facts: Any
    ) -> list[Path]:
        """Write result.json, labels, URDF, GLB and report into a folder; all appear together or not at all.

        Args:
            output: The folder; made when missing.
            overwrite: Replace the files of an earlier result. Its exports to other formats are removed, since they would
                tell of what was there before; other files in the folder are left alone.
            config: Settings of the run, written as config.json.
            facts: Anything else for the provenance.

        Returns:
            What was written.

        Raises:
            OutputExistsError: When the folder holds files and `overwrite` is not set.
        """
        output = Path(output)
        check_output(output, overwrite=overwrite, resume=True)
        from sim2art.export.targets import all_exports, file_name_for

        finish_move(output)
        partial = output / PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            self._write(partial, config or {}, facts)
            return move_in(partial, output, stale=(file_name_for(export) for export in all_exports()))
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _write(self, folder: Path, config: dict[str, Any], facts: dict[str, Any]) -> None:
        from sim2art.export.labels import write_labels
        from sim2art.export.package import write_model
        from sim2art.export.physics import build_physics
        from sim2art.export.result import Result, write_result
        from sim2art.export.state_table import write_state_table
        from sim2art.observation.densify import resize_labels
        from sim2art.view.report import write_report

        provenance = collect_provenance(recording=str(self.recording), mask=self.observation.mask, **facts)
        size = self.observation.input_size
        write_labels(folder / "labels", resize_labels(self.labels, size), self.frame_ids)
        for frame, image in self.other_labels.items():
            write_labels(folder / "labels", resize_labels(image[None], size), [frame])
        write_video(folder / "video", self.video, self.frame_ids, read_from=self.video_folder)
        write_points(folder / "points.npz", self.points, self.estimate.part_probabilities)
        # Splitting collision geometry into pieces takes seconds a part: `sim2art export` does it.
        model = build_physics(self.articulated_object, decompose=False, up=self.up)
        written = write_model(model, self.estimate.trajectory, folder)
        result = Result(
            name=self.articulated_object.name,
            status=self.status,
            reasons=self.reasons,
            warnings=self.warnings,
            is_metric=self.video.is_metric,
            frame_ids=self.frame_ids,
            part_meshes=tuple(part.visual for part in written.parts),
            part_names=tuple(link.name for link in self.articulated_object.links),
            joints=tuple(
                dataclasses.replace(found, joint=joint)
                for found, joint in zip(self.estimate.joints, self.articulated_object.joints, strict=True)
            ),
            trajectory=self.estimate.trajectory,
            up=self.up,
            states=self.states,
            provenance=provenance,
        )
        if self.states is not None:
            write_state_table(folder / "states.csv", self.states, self.articulated_object)
        write_report(
            folder / "report.html",
            video=self.video,
            labels=self.labels,
            estimate=self.estimate,
            articulated_object=self.articulated_object,
            states=self.states,
            frame_ids=self.frame_ids,
            status=self.status,
            reasons=self.reasons,
            warnings=self.warnings,
            timings=self.timings,
            provenance=provenance,
        )
        (folder / "provenance.json").write_text(json.dumps(provenance, indent=2, default=str))
        (folder / "config.json").write_text(json.dumps(readable_values(config), indent=2, default=str))
        write_result(folder / "result.json", result)


def reconstruct(
    recording: Path | str | ColorCapture,
    options: ReconstructOptions | None = None,
    *,
    predictor: Predictor | None = None,
    stage_folder: Path | None = None,
    resume: bool = False,
) -> Reconstruction:
    """Turn a recording of an object in motion into an articulated model.

    Args:
        recording: A file or folder that `open_recording` knows, or an open recording.
        options: How it is done.
        predictor: What maps points with flow to parts and joints; overrides `options.method`.
        stage_folder: Where finished stages are kept; None keeps none.
        resume: Go on from the stages kept by an earlier run of the same recording and options.

    Raises:
        InvalidFileError: When the recording cannot be used, with what was found and how to mend it.
    """
    options = options or ReconstructOptions()
    clock = _Clock()
    with clock.stage("read") as say:
        is_path = isinstance(recording, str | Path)
        capture = open_recording(Path(recording), options.recording_name) if is_path else recording
        source = fingerprint(capture.path) if capture.path.exists() else make_key(capture.path, id(capture))
        stages = StageKeeper(stage_folder, resume=resume)
        say(f"{len(capture.frame_ids)} frames")

    from sim2art.perception.pipeline import prepare

    key = make_key(sim2art.__version__, source, observation_facts(options.observe))
    source_key = make_key(sim2art.__version__, source)
    kept = stages.load("observation", key)
    with clock.stage("depth and scale") as say:
        prepared = prepare(capture, options.observe, stages, source_key)
        say("recorded" if prepared is capture else f"{len(prepared.frame_ids)} frames, {options.observe.depth}")
    if kept is not None:
        observation = clock.kept("observation", observation_from_stage(kept))
    else:
        observation = _observe(prepared, options.observe, stages, source_key, clock)
        stages.keep("observation", key, observation_to_stage(observation))

    weights = [fingerprint(folder) for folder in (CHECKPOINTS, options.checkpoint) if folder is not None]
    key = make_key(key, options.method, weights, options.refine)
    kept = stages.load("estimate", key)
    if kept is not None:
        estimate = clock.kept("estimate", estimate_from_arrays(kept.arrays, kept.facts))
    else:
        with clock.stage("estimate") as say:
            estimate = _estimate(observation, options, predictor)
            say(f"{len(estimate.joints)} joint(s)")
        stages.keep(
            "estimate", key, Stage(arrays=estimate_to_arrays(estimate)[0], facts=estimate_to_arrays(estimate)[1])
        )

    with clock.stage("labels"):
        estimate, labels = _label(observation, estimate, options)
    warnings = list(observation.warnings)
    with clock.stage("states") as say:
        states, estimate, labels, others = _find_states(prepared, observation, estimate, labels, warnings, options)
        say("nothing moves" if states is None else f"{len(states.frame_ids)} frames")
    with clock.stage("meshes") as say:
        meshes = _fuse(observation.video, labels, estimate, warnings, keep_room=options.keep_room)
        say(f"{sum(0 if mesh is None else len(mesh.faces) for mesh in meshes)} faces")
    status, reasons = _judge(observation, estimate)
    name = " ".join(readable(options.name).split()) or "object"
    articulated_object = _assemble(estimate, meshes, states, name)
    return Reconstruction(
        recording=capture.path,
        observation=observation,
        estimate=estimate,
        labels=labels,
        articulated_object=articulated_object,
        up=find_up(articulated_object, user=options.up, gravity=observation.up),
        status=status,
        reasons=reasons,
        warnings=tuple(readable(warning) for warning in warnings),
        timings=clock.timings,
        states=states,
        other_labels=others,
    )


def _find_states(
    prepared: Capture,
    observation: Observation,
    estimate: ArticulationEstimate,
    labels: UInt8[np.ndarray, "frame height width"],
    warnings: list[str],
    options: ReconstructOptions,
) -> tuple[
    FrameStates | None,
    ArticulationEstimate,
    UInt8[np.ndarray, "frame height width"],
    dict[int, UInt8[np.ndarray, "h w"]],
]:
    """The states of all frames, and estimate and labels of the used ones with the values that were found."""
    if not estimate.joints:
        return None, estimate, labels, {}
    if prepared.depth_is_guessed:  # It trembles by more than parts move between frames.
        warnings.append("Depth was guessed from colour, so joint values are given for the used frames only.")
        return None, estimate, labels, {}
    from sim2art.observation.densify import densify_labels
    from sim2art.states.recording_states import find_states

    found = find_states(
        prepared, observation.video, observation.indices, observation.known_indices,
        observation.known_world_from_camera, estimate, labels, label_all=options.label_all,
    )  # fmt: skip
    warnings += found.warnings
    states, before = found.states, part_motions(estimate)
    if not np.allclose(part_motions(found.estimate), before, atol=_SAME_PLACE):
        labels = densify_labels(
            observation.video, observation.points, estimate.part_probabilities, part_motions(found.estimate)
        )
    others = {frame: image for frame, image in found.labels.items() if frame not in observation.frame_ids}
    return states, found.estimate, labels, others


def _assemble(
    estimate: ArticulationEstimate, meshes: list[TriangleMesh | None], states: FrameStates | None, name: str
) -> ArticulatedObject:
    """Links and joints, with the range that all frames show."""
    whole = assemble_object(estimate, meshes, name=name)
    if states is None:
        return whole
    joints = tuple(
        dataclasses.replace(joint, observed_range=states.range_of(k)[:2]) if states.followed[k] else joint
        for k, joint in enumerate(whole.joints)
    )
    return dataclasses.replace(whole, joints=joints)


def _observe(
    capture: Capture, options: ObserveOptions, stages: StageKeeper, source_key: str, clock: "_Clock"
) -> Observation:
    """The perception chain, stage by stage; tracked camera poses are kept as they take longest."""
    from sim2art.perception.cameras.klt_pnp import track_camera
    from sim2art.perception.cameras.poses import find_poses
    from sim2art.perception.frames.intake import take_in
    from sim2art.perception.pipeline import observe_frames, pick_frames

    with clock.stage("intake") as say:
        recording = take_in(capture, options.intake)
        say(f"{recording.num_frames} usable frames, {recording.input_size[0]}x{recording.input_size[1]} px")
    key = make_key(source_key, camera_facts(options))

    def tracker(
        grays: UInt8[np.ndarray, "frame height width"], read_depth: ReadDepth, intrinsics: Float[np.ndarray, "3 3"]
    ) -> CameraTrack:
        kept = stages.load("camera", key)
        if kept is not None:
            return track_from_stage(kept)
        track = track_camera(grays, read_depth, intrinsics)
        stages.keep("camera", key, track_to_stage(track))
        return track

    with clock.stage("poses") as say:
        posed = find_poses(recording, tracker, options.choice("cameras").name)
        is_tracked = options.cameras == "klt" or (options.cameras == "auto" and recording.world_from_camera is None)
        say("the camera stands still" if posed.is_static else "tracked" if is_tracked else "from the recording")
    with clock.stage("frames") as say:
        frames, profile = pick_frames(posed, options)
        say(f"{len(frames)} of {posed.recording.num_frames}")
    with clock.stage("flow, mask, points") as say:
        observation = observe_frames(posed, frames, profile, options)
        measured = observation.points.flow_valid[0, :-1].mean() if len(frames) > 1 else 0.0
        say(
            f"mask {observation.mask}, {100 * observation.video.object_masks.mean():.0f} % of the image, flow at {100 * measured:.0f} % of the points"
        )
    return observation


def _estimate(
    observation: Observation, options: ReconstructOptions, predictor: Predictor | None
) -> ArticulationEstimate:
    """Parts and joints; where nothing moves there is nothing to ask."""
    if not observation.moves:
        return still_estimate(observation.points, reasons=(NO_MOTION,))
    if predictor is None:
        predictor = load_method(options.method, options.checkpoint)
    estimate = keep_largest_parts(predictor(observation.points), MAX_JOINTS)
    if options.refine:
        from sim2art.inference.refine.refine import refine

        estimate = keep_largest_parts(refine(observation.points, estimate), MAX_JOINTS)
    if COMPONENTS["depth"][options.observe.choice("depth").name].guesses_images:
        from sim2art.inference.refine.guessed_depth import judge_guessed_depth

        estimate = judge_guessed_depth(observation.points, observation.video.intrinsics, estimate)
    return estimate


def _label(
    observation: Observation, estimate: ArticulationEstimate, options: ReconstructOptions
) -> tuple[ArticulationEstimate, UInt8[np.ndarray, "frame height width"]]:
    """The part of every pixel; where depth was guessed, with the joints as whole regions of the images bear them out."""
    if estimate.joints and COMPONENTS["depth"][options.observe.choice("depth").name].guesses_images:
        from sim2art.regions.colour_video import settle

        settled = settle(observation.video, observation.points, estimate, observation.people)
        return settled.estimate, settled.labels
    from sim2art.observation.densify import densify_labels

    labels = densify_labels(observation.video, observation.points, estimate.part_probabilities, part_motions(estimate))
    return estimate, labels


def still_estimate(points: PointVideo, *, reasons: tuple[str, ...]) -> ArticulationEstimate:
    """One static part and no joint."""
    return ArticulationEstimate(
        part_probabilities=np.ones((points.num_frames, points.num_points, 1)),
        joints=(),
        trajectory=JointTrajectory(joint_names=(), times=points.times.copy(), values=np.zeros((points.num_frames, 0))),
        status=Status.AMBIGUOUS,
        reasons=reasons,
    )


def _fuse(
    video: RgbdVideo, labels: np.ndarray, estimate: ArticulationEstimate, warnings: list[str], *, keep_room: bool
) -> list[TriangleMesh | None]:
    from sim2art.export.meshes import FusionConfig, fuse_part_meshes

    config = FusionConfig(keep_room=keep_room)
    return fuse_part_meshes(video, labels, estimate, config=config, on_warning=warnings.append)


def _judge(observation: Observation, estimate: ArticulationEstimate) -> tuple[Status, tuple[str, ...]]:
    """Status and reasons of the whole, from the observation's and the estimate's."""
    reasons = [*observation.reasons, *estimate.reasons]
    status = estimate.status
    if observation.moves and not estimate.joints and not estimate.reasons:
        reasons.append("something moves, but no joint explains it")
    if reasons and status is Status.OK and (observation.reasons or not estimate.joints):
        status = Status.AMBIGUOUS
    return status, tuple(dict.fromkeys(reasons))


class _Clock:
    """Times each stage and says one line about it."""

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[str], None]]:
        """Time what happens inside; the yielded function takes a few words about what was found."""
        words: list[str] = []
        start = time.perf_counter()
        yield words.append
        self.timings[name] = time.perf_counter() - start
        logger.info("%-20s %-60s %6.1f s", name, ", ".join(words), self.timings[name])

    def kept(self, name: str, value: Any) -> Any:
        """Note a stage that an earlier run had finished."""
        self.timings[name] = 0.0
        logger.info("%-20s %-60s", name, "kept from the run before")
        return value


class _CallableModule(ModuleType):
    """Lets `sim2art.reconstruct(...)` work after this module, which has the same name, was imported."""

    def __call__(self, *args: Any, **kwargs: Any) -> Reconstruction:
        return reconstruct(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
