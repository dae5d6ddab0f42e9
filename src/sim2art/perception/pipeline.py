"""The chain from a capture to an `Observation`: intake, poses, frame choice, flow, mask, sampled points.

Every step can be replaced by the truth (`Truth`), which tells where a wrong result comes from.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from sim2art.errors import InvalidValueError
from sim2art.geometry.transforms import inverse
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.sampling import FlowSource, sample_point_video
from sim2art.perception.cameras.camera_checks import camera_misfit, explain_misfit, fit_focal_length
from sim2art.perception.cameras.klt_pnp import track_camera
from sim2art.perception.cameras.pose_refinement import apply_scales, refine_poses
from sim2art.perception.cameras.poses import PosedRecording, find_poses
from sim2art.perception.captures.capture import Capture, ColorCapture, mean_up
from sim2art.perception.chosen_flow import coarse_starts, ids_of, known_flow
from sim2art.perception.depth.filter import smooth_depth
from sim2art.perception.features.point_features import add_features
from sim2art.perception.features.vanishing_points import find_directions
from sim2art.perception.flow.dis import DisFlow, map_in_threads
from sim2art.perception.flow.lifted_flow import LiftedFlow, PixelFlow, measure_flows
from sim2art.perception.flow.matched_flow import match_flows
from sim2art.perception.flow.matcher import load_matcher
from sim2art.perception.flow.rigid_flow import RigidFlow
from sim2art.perception.flow.texture import measure_slip
from sim2art.perception.frames.intake import Recording, take_in
from sim2art.perception.frames.motion_profile import MotionProfile
from sim2art.perception.guessed.image_joints import Edges
from sim2art.perception.guessed.image_motions import STRIDE
from sim2art.perception.guessed.motion import GuessedMotion, find_moving_in_images, fit_guessed_motion
from sim2art.perception.masks.choice import FramesWithMotion, choose_masks
from sim2art.perception.masks.moving import find_moving
from sim2art.perception.observed import NO_MOTION, Observation
from sim2art.perception.options import ObserveOptions
from sim2art.perception.people.choice import leave_out_people, look_for_hands
from sim2art.perception.people.hands.growing import GrownHands
from sim2art.perception.prepare import prepare
from sim2art.perception.tasks import CameraTracker, ImageFlow
from sim2art.perception.used_frames import pick_frames

_MAX_MISFIT = 2.0
"""px."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is known for certain (of a rendered recording) and replaces a step of the chain; None leaves the step."""

    frames: Int[np.ndarray, "used"] | None = None
    """Positions in the capture of the frames to use."""
    masks: Callable[[Int[np.ndarray, "used"]], Bool[np.ndarray, "used height width"]] | None = None
    """Object masks of the used frames (given by position in the capture), at the working size."""
    flow: Callable[[Int[np.ndarray, "used"], RgbdVideo], FlowSource] | None = None
    """The flow between used frames (given by position in the capture), in the video's world frame."""


StageHook = Callable[[str], AbstractContextManager[Callable[[str], None]]]
"""Is told which stage begins; what it yields takes a few words about what was found."""


@contextmanager
def _unwatched(name: str) -> Iterator[Callable[[str], None]]:
    yield lambda words: None


def observe(
    capture: ColorCapture,
    options: ObserveOptions,
    *,
    truth: Truth | None = None,
    tracker: CameraTracker = track_camera,
    image_flow: ImageFlow | None = None,
) -> Observation:
    """The whole chain on one recording.

    Raises:
        InvalidFileError: When the recording cannot be used.
    """
    return observe_prepared(prepare(capture, options), options, truth=truth, tracker=tracker, image_flow=image_flow)


def observe_prepared(
    capture: Capture,
    options: ObserveOptions,
    *,
    truth: Truth | None = None,
    tracker: CameraTracker = track_camera,
    image_flow: ImageFlow | None = None,
    stage: StageHook = _unwatched,
) -> Observation:
    """The chain on a recording that `prepare` gave.

    Raises:
        InvalidFileError: When the recording cannot be used.
    """
    with stage("intake") as say:
        recording = take_in(capture, options.intake)
        say(f"{recording.num_frames} usable frames, {recording.input_size[0]}x{recording.input_size[1]} px")
    with stage("poses") as say:
        posed = find_poses(recording, tracker, options.choice("cameras").name)
        is_tracked = options.cameras == "klt" or (options.cameras == "auto" and recording.world_from_camera is None)
        say("the camera stands still" if posed.is_static else "tracked" if is_tracked else "from the recording")
    with stage("frames") as say:
        hands = look_for_hands(posed.recording, options.choice("people"))
        frames, profile = pick_frames(posed, options, None if truth is None else truth.frames, hands)
        say(f"{len(frames)} of {recording.num_frames}")
    with stage("flow, mask, points") as say:
        observation = observe_frames(posed, frames, profile, options, hands, truth=truth, image_flow=image_flow)
        measured = observation.points.flow_valid[0, :-1].mean() if len(frames) > 1 else 0.0
        share = 100 * observation.video.object_masks.mean()
        say(f"mask {observation.mask}, {share:.0f} % of the image, flow at {100 * measured:.0f} % of the points")
    return observation


def observe_frames(
    posed: PosedRecording,
    frames: Int[np.ndarray, "used"],
    profile: MotionProfile,
    options: ObserveOptions,
    hands: GrownHands | None = None,
    *,
    truth: Truth | None = None,
    image_flow: ImageFlow | None = None,
) -> Observation:
    """Flow, mask and points of the chosen frames; hands as they were found in all of the recording."""
    recording, truth = posed.recording, truth or Truth()
    is_guessed, indices = recording.capture.depth_is_guessed, recording.indices[frames]
    frame_ids = ids_of(recording, frames)
    used, camera_warnings = _measure(posed, frames, profile, image_flow, options)
    people = leave_out_people(
        used, choice=options.choice("people"), frame_ids=frame_ids, depth_is_guessed=is_guessed,
        hands=None if hands is None else hands.take(frames),
    )  # fmt: skip
    used = replace(used, moving=people.without(used.moving), flows=people.drop(used.flows))
    told = None
    if is_guessed:
        told = _tell_motion(used, recording.grays[frames], people.reach, options.seed)
        used = replace(used, depths=told.depths)
    choice = choose_masks(
        replace(used, depths=people.see(used.depths)), choice=options.choice("mask"), frame_ids=frame_ids,
        box=scaled_box(options.box, recording), crop_factor=options.crop_factor,
    )  # fmt: skip
    if truth.masks is not None:
        choice = replace(choice, masks=truth.masks(indices), taken="truth", warnings=())
    video = _as_video(used, recording, frames, choice.masks)
    flow = truth.flow(indices, video) if truth.flow is not None else _flow_of_points(used, video, options, told)
    points = sample_point_video(
        video, flow, rng=np.random.default_rng(options.seed), num_points=options.num_points, baselines=options.baselines
    )
    ups = recording.capture.ups_camera
    return Observation(
        video=video,
        points=add_features(points, used.images, frame_ids, options.choice("features")),
        frame_ids=frame_ids,
        indices=indices,
        input_size=recording.input_size,
        mask=choice.taken,
        moves=choice.moves,
        warnings=(*recording.warnings, *posed.warnings, *camera_warnings, *people.warnings, *choice.warnings),
        reasons=(*(() if told is None else told.doubts()), *(() if choice.moves else (NO_MOTION,))),
        up=None if ups is None else mean_up(used.world_from_camera, ups[indices]),
        known_indices=recording.indices,
        known_world_from_camera=inverse(posed.world_from_camera[frames[0]]) @ posed.world_from_camera,
        people=people.masks,
        joints=None if told is None else told.seen_joints(),
    )


def _tell_motion(
    used: FramesWithMotion, grays: UInt8[np.ndarray, "used height width"],
    reach: Bool[np.ndarray, "used height width"] | None, seed: int,
) -> GuessedMotion:  # fmt: skip
    """What the images show of motion where depth was guessed."""
    k, poses = used.intrinsics, used.world_from_camera
    edges = Edges(
        slips=np.array([measure_slip(gray)[::STRIDE, ::STRIDE] for gray in grays]),
        directions=find_directions(grays, k, poses, np.random.default_rng(seed)),
    )
    reach = None if reach is None else reach[:, ::STRIDE, ::STRIDE]
    return fit_guessed_motion(used.depths, used.flows, edges, k, poses, reach=reach, seed=seed)


def _measure(
    posed: PosedRecording,
    frames: Int[np.ndarray, "used"],
    profile: MotionProfile,
    image_flow: ImageFlow | None,
    options: ObserveOptions,
) -> tuple[FramesWithMotion, list[str]]:
    """Flow and what moves, with poses and depth scales corrected by what stands still; and what is wrong with the cameras.

    World is the first used camera's frame.
    """
    recording = posed.recording
    poses, k = inverse(posed.world_from_camera[frames[0]]) @ posed.world_from_camera[frames], recording.intrinsics
    depths = np.array(map_in_threads(smooth_depth, [recording.read_depth(int(frame)) for frame in frames]))
    grays, is_guessed = recording.grays[frames], recording.capture.depth_is_guessed
    matcher = load_matcher(options.choice("flow"), grays) if image_flow is None else None
    image_flow = image_flow or DisFlow()
    if matcher is not None:
        flows = match_flows(
            grays, depths, k, poses, matcher=matcher, image_flow=image_flow, baselines=options.baselines
        )
    else:
        flows = measure_flows(
            grays, depths, k, poses, image_flow=image_flow, baselines=options.baselines,
            starts=coarse_starts(frames, profile, recording, options.baselines),
            known=known_flow(options.choice("flow"), recording, frames),
        )  # fmt: skip
    warnings = _check_cameras(posed, frames, depths, flows)
    if is_guessed:
        moving = find_moving_in_images(depths, flows, k, poses)
    else:
        moving = find_moving(depths, flows, k, poses)
        if options.refine_poses:
            poses, scales = refine_poses(depths, flows, moving, k, poses, rng=np.random.default_rng(options.seed))
            depths = apply_scales(depths, scales)
            moving = find_moving(depths, flows, k, poses)
    images = np.array([recording.read_image(int(frame)) for frame in frames])
    measured = FramesWithMotion(
        images=images, depths=depths, flows=flows, moving=moving, intrinsics=k, world_from_camera=poses
    )
    return measured, warnings


def _check_cameras(
    posed: PosedRecording,
    frames: Int[np.ndarray, "used"],
    depths: Float32[np.ndarray, "used height width"],
    flows: dict[tuple[int, int], PixelFlow],
) -> list[str]:
    """What poses and intrinsics that do not fit the images call for, in words."""
    k, all_poses, warnings = posed.recording.intrinsics, posed.world_from_camera[frames], []
    poses = inverse(all_poses[0]) @ all_poses
    misfit = camera_misfit(flows, depths, k, poses)
    mixed_up = None
    if misfit > _MAX_MISFIT:
        mixed_up = explain_misfit(flows, depths, k, all_poses, misfit)
        advice = "If the recorded poses are at fault, pass --cameras klt to have them estimated."
        if mixed_up is not None:
            advice = f"They look like poses {mixed_up}; world from camera in OpenCV axes is needed, or --cameras klt."
        warnings.append(
            f"The camera poses do not fit the images (what should stand still moves by {misfit:.1f} px from one used frame to "
            f"the next). {advice}"
        )
    factor = 1.0 if mixed_up else fit_focal_length(flows, depths, k, poses)
    if factor != 1.0:
        warnings.append(
            f"The intrinsics look wrong: {factor:.2f} times their focal length fits the images clearly better. Check that they "
            "are those of this camera at this image size."
        )
    return warnings


def _as_video(
    used: FramesWithMotion,
    recording: Recording,
    frames: Int[np.ndarray, "used"],
    masks: Bool[np.ndarray, "used height width"],
) -> RgbdVideo:
    return RgbdVideo(
        times=recording.times[frames],
        images=used.images,
        depths=used.depths,
        object_masks=masks,
        intrinsics=used.intrinsics,
        world_from_camera=used.world_from_camera,
        is_metric=recording.capture.is_metric,
    )


def _flow_of_points(
    used: FramesWithMotion, video: RgbdVideo, options: ObserveOptions, told: FlowSource | None
) -> FlowSource:
    """The scene flow of the points to be drawn."""
    if options.choice("flow").name == "gmsf":
        from sim2art.perception.flow.gmsf import load_gmsf

        return load_gmsf(
            options.choice("flow").source, video, seed=options.seed, num_points=options.num_points,
            make_rigid=options.make_rigid,
        )  # fmt: skip
    if told is not None:
        return told
    lifted = LiftedFlow(
        flows=used.flows, depths=used.depths, intrinsics=used.intrinsics, world_from_camera=used.world_from_camera
    )
    return RigidFlow(raw=lifted, seed=options.seed) if options.make_rigid else lifted


def scaled_box(box: tuple[int, int, int, int] | None, recording: Recording) -> Float[np.ndarray, "4"] | None:
    """A box (x, y, width, height) given in input pixels, in working pixels."""
    if box is None:
        return None
    width, height = recording.input_size
    x, y, w, h = box
    if w <= 0 or h <= 0 or x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise InvalidValueError(
            f"The box {x},{y},{w},{h} (x,y,width,height) lies outside the {width}x{height} px image or is empty."
        )
    scale = recording.size[0] / width
    return np.array(box, dtype=np.float64) * scale
