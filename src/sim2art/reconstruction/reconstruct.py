"""The whole way from a recording to an articulated model: observe, estimate, label, mesh; `Reconstruction.save` writes it.

Given a folder to keep stages in, a run that was stopped goes on where it stood (`resume`).
"""

import dataclasses
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

import sim2art
from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.assembly import assemble_object, part_motions
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.estimate_io import estimate_from_arrays, estimate_to_arrays
from sim2art.articulation.frame_states import FrameStates
from sim2art.export.up import find_up
from sim2art.file_names import readable
from sim2art.geometry.meshes import TriangleMesh
from sim2art.methods import Predictor, check_method, load_method
from sim2art.networks import CHECKPOINTS
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.perception.captures.capture import Capture, ColorCapture
from sim2art.perception.captures.open_capture import open_recording
from sim2art.perception.observation_io import (
    observation_from_stage,
    observation_to_stage,
)
from sim2art.perception.observed import NO_MOTION, Observation
from sim2art.perception.stage_keys import camera_facts, observation_facts
from sim2art.perception.tasks import CameraTrack, ReadDepth
from sim2art.reconstruction.clock import StageClock
from sim2art.reconstruction.estimates import (
    LabelledEstimate,
    estimate_by_method,
    estimate_from_images,
    still_estimate,
)
from sim2art.reconstruction.options import ReconstructOptions
from sim2art.reconstruction.reconstruction import Reconstruction
from sim2art.stages import Stage, StageKeeper, as_stage, fingerprint, from_stage, make_key

_SAME_PLACE = 0.01
"""Change of the parts' motions (m, rad) that leaves labels as they are."""


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
    if predictor is None:
        check_method(options.method or "network", options.checkpoint)
    clock = StageClock()
    with clock.stage("read") as say:
        is_path = isinstance(recording, str | Path)
        capture = open_recording(Path(recording), options.recording_name) if is_path else recording
        source = fingerprint(capture.path) if capture.path.exists() else make_key(capture.path, id(capture))
        say(f"{len(capture.frame_ids)} frames")
    stages = StageKeeper(stage_folder, resume=resume)
    prepared, observation = _observe(capture, source, options, stages, clock)
    estimate, labels = _estimate_once(observation, source, options, predictor, stages, clock)
    warnings = list(observation.warnings)
    with clock.stage("states") as say:
        states, estimate, labels, others = _find_states(
            capture, prepared, observation, estimate, labels, warnings, options
        )
        say(_extent_of(states))
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


def _observe(
    capture: ColorCapture, source: str, options: ReconstructOptions, stages: StageKeeper, clock: StageClock
) -> tuple[Capture, Observation]:
    """The perception chain, kept as a whole; tracked camera poses are kept as well, as they take longest."""
    from sim2art.perception.cameras.klt_pnp import track_camera
    from sim2art.perception.pipeline import observe_prepared
    from sim2art.perception.prepare import prepare

    asked, source_key = options.observe, make_key(sim2art.__version__, source)
    key = _observation_key(source, options)
    kept = stages.load("observation", key)
    with clock.stage("depth and scale") as say:
        prepared = prepare(capture, asked, stages, source_key)
        say("recorded" if prepared is capture else f"{len(prepared.frame_ids)} frames, {asked.depth}")
    if kept is not None:
        return prepared, clock.kept("observation", observation_from_stage(kept))
    camera_key = make_key(source_key, camera_facts(asked))

    def tracker(
        grays: UInt8[np.ndarray, "frame height width"], read_depth: ReadDepth, intrinsics: Float[np.ndarray, "3 3"]
    ) -> CameraTrack:
        kept = stages.load("camera", camera_key)
        if kept is not None:
            return from_stage(CameraTrack, kept)
        track = track_camera(grays, read_depth, intrinsics)
        stages.keep("camera", camera_key, as_stage(track))
        return track

    observation = observe_prepared(prepared, asked, tracker=tracker, stage=clock.stage)
    stages.keep("observation", key, observation_to_stage(observation))
    return prepared, observation


def _observation_key(source: str, options: ReconstructOptions) -> str:
    return make_key(sim2art.__version__, source, observation_facts(options.observe))


def _estimate_once(
    observation: Observation,
    source: str,
    options: ReconstructOptions,
    predictor: Predictor | None,
    stages: StageKeeper,
    clock: StageClock,
) -> LabelledEstimate:
    """Joints and labels, as they were kept or anew."""
    weights = [fingerprint(folder) for folder in (CHECKPOINTS, options.checkpoint) if folder is not None]
    key = make_key(_observation_key(source, options), options.method, weights, options.refine)
    kept = stages.load("estimate", key)
    if kept is not None:
        estimate = estimate_from_arrays(kept.arrays, kept.facts)
        return clock.kept("estimate", LabelledEstimate(estimate, kept.arrays["labels"]))
    with clock.stage("estimate") as say:
        found = _estimate(observation, options, predictor)
        say(f"{len(found.estimate.joints)} joint(s)")
    arrays, facts = estimate_to_arrays(found.estimate)
    stages.keep("estimate", key, Stage(arrays={**arrays, "labels": found.labels}, facts=facts))
    return found


def _find_states(
    capture: ColorCapture,
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
    if prepared.depth_is_guessed:
        from sim2art.reconstruction.colour_states import find_colour_states
        from sim2art.states.recording_states import not_followed

        # Depth was guessed for some of the frames only.
        place = {frame: index for index, frame in enumerate(capture.frame_ids)}
        places = np.array([place[frame] for frame in prepared.frame_ids])
        states = find_colour_states(
            capture, observation.video, places[observation.indices], places[observation.known_indices],
            observation.known_world_from_camera, estimate, labels,
        )  # fmt: skip
        warnings += [
            not_followed(one.joint) for one, known in zip(estimate.joints, states.followed, strict=True) if not known
        ]
        return states, estimate, labels, {}
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


def _extent_of(states: FrameStates | None) -> str:
    """Which frames have states, for the log."""
    return "no moving part was found" if states is None else f"{len(states.frame_ids)} frames"


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


def _estimate(observation: Observation, options: ReconstructOptions, predictor: Predictor | None) -> LabelledEstimate:
    """Joints and labels; where nothing moves there is nothing to ask."""
    if not observation.moves:
        labels = np.zeros(observation.video.depths.shape, dtype=np.uint8)
        return LabelledEstimate(still_estimate(observation.points, reasons=(NO_MOTION,)), labels)
    if predictor is None and options.method is None and observation.joints is not None:
        return estimate_from_images(observation)
    if predictor is None:
        predictor = load_method(options.method or "network", options.checkpoint)
    return estimate_by_method(observation, predictor, refine=options.refine)


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
