"""Rendered recordings: colour and noisy depth of an object in a room, seen by a moving camera, with exact truth.

A recording is what a person with a depth camera would bring; it goes through the whole chain like theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.errors import InvalidValueError
from sim2art.geometry.transforms import inverse
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.simulate.camera_paths import CameraConfig
from sim2art.simulate.corruption import DEPTH_CAMERA, TRACKED_POSES, DepthNoise
from sim2art.simulate.flow_sources import ExactFlow
from sim2art.simulate.hands import HandStyle
from sim2art.simulate.images import render_images
from sim2art.simulate.joint_motions import MotionConfig
from sim2art.simulate.scenario import Scenario, ScenarioConfig, sample_scenario
from sim2art.simulate.seeds import named_rng
from sim2art.simulate.sensor_noise import corrupt_depths, corrupt_poses
from sim2art.simulate.stage import StageFrames
from sim2art.simulate.takes import Take, make_take
from sim2art.simulate.truth import Truth, derive_truth

_MAX_ATTEMPTS = 60
_MAX_DEPTH = 8.0  # m; beyond, a depth camera sees nothing.
HANDHELD = CameraConfig(
    fov_deg=(50.0, 68.0),
    fill=(0.6, 1.05),
    azimuth_deg=(-50.0, 50.0),
    elevation_deg=(8.0, 42.0),
    orbit_deg=(8.0, 40.0),
    static_share=0.15,
)
"""A camera in the hand of someone who walks a little around the object."""
_SLOW = MotionConfig(
    num_moving_shares=(0.42, 0.3, 0.17, 0.11), static_share=0.0, trembling_share=0.0, opening=(0.35, 1.0)
)


@dataclass(frozen=True, kw_only=True)
class RecordingConfig:
    """What recordings are drawn from."""

    families: tuple[str, ...] = TRAINING_FAMILIES
    num_frames: int = 48
    width: int = 480
    height: int = 360
    fps: float = 10.0
    poses: Literal["exact", "tracked", "none"] = "tracked"
    """Whether the recording comes with exact camera poses, slightly drifting ones, or none."""
    depth: DepthNoise | None = DEPTH_CAMERA
    """None: noiseless depth."""
    hand_share: float = 0.2
    """Recordings in which a hand moves the part."""
    hand_style: HandStyle = "mitten"
    """The test sets have mittens, which touch the part for a while; fingered hands hold it all the time."""
    motion: MotionConfig = _SLOW
    camera: CameraConfig = HANDHELD
    is_plain: bool = False
    """Whether the object has no texture: optical flow finds nothing on it to hold on to."""
    supersampling: int = 2
    """Colour is rendered this much finer and averaged."""


FAST_RECORDINGS = RecordingConfig(
    num_frames=40,
    motion=replace(_SLOW, num_moving_shares=(0.5, 0.3, 0.2), largest_step=(float(np.deg2rad(20.0)), 0.06)),
    camera=replace(HANDHELD, fill=(0.35, 1.05), static_share=0.0),
)
"""Quick motions as a person with a handheld depth camera would record them; small parts among them."""


@dataclass(frozen=True, kw_only=True)
class SimulatedRecording:
    """A recording and its truth. World = the first camera's frame."""

    times: Float[np.ndarray, "frame"]
    """s."""
    images: UInt8[np.ndarray, "frame height width 3"]
    depths: Float32[np.ndarray, "frame height width"]
    """Measured depth, m, whole millimetres; 0 = none."""
    intrinsics: Float[np.ndarray, "3 3"]
    world_from_camera: Float[np.ndarray, "frame 4 4"] | None
    """Camera poses as recorded; None when the recording has none."""
    part_images: UInt8[np.ndarray, "frame height width"]
    """True part at each pixel; 0 is everything that stands still, and a hand."""
    object_masks: Bool[np.ndarray, "frame height width"]
    """True pixels of the object."""
    truth: Truth
    """Of all frames; `truth_of` gives that of some."""
    scenario: Scenario
    stage: StageFrames
    """Noiseless depth, bodies and poses."""
    fps: float
    provenance: dict[str, Any] = field(default_factory=dict)

    def exact_flow(self, frames: Sequence[int] | None = None) -> ExactFlow:
        """The true flow between some of the frames (default: all), in the world of the recording's first camera.

        Flows are differences of points: to use them in a world that is the camera of another frame, rotate them.
        """
        flow = self.stage.exact_flow()
        return flow if frames is None else flow.select(frames)

    def truth_of(self, frames: Sequence[int]) -> Truth:
        """The truth that some of the frames show, in the world of the first of them."""
        return derive_truth(self.scenario, frames=frames)

    def part_images_of(self, frames: Sequence[int]) -> Int[np.ndarray, "frame height width"]:
        """Part ids of some of the frames, numbered as in `truth_of(frames)`."""
        part_of_body = np.append(self.truth_of(frames).part_of_link, [0, 0, 0])
        return part_of_body[self.stage.bodies[np.asarray(frames, dtype=np.int64)]]

    def to_video(self, frames: Sequence[int] | None = None, *, is_noiseless: bool = False) -> RgbdVideo:
        """The frames with true object masks and, as asked, measured or true depth; poses are true if none were recorded."""
        chosen = np.arange(len(self.times)) if frames is None else np.asarray(frames, dtype=np.int64)
        recorded = self.stage.world_from_camera if self.world_from_camera is None else self.world_from_camera
        poses = (self.stage.world_from_camera if is_noiseless else recorded)[chosen]
        return RgbdVideo(
            times=self.times[chosen],
            images=self.images[chosen],
            depths=(self.stage.depths if is_noiseless else self.depths)[chosen],
            object_masks=self.object_masks[chosen],
            intrinsics=self.intrinsics.copy(),
            world_from_camera=inverse(poses[0]) @ poses,
            is_metric=True,
        )


def render_recording(config: RecordingConfig, seed: int) -> SimulatedRecording:
    """The recording that belongs to (config, seed).

    Raises:
        InvalidValueError: When no acceptable scenario is found, or a family is unknown.
    """
    scenario_config = ScenarioConfig(
        families=config.families,
        num_frames=config.num_frames,
        width=config.width,
        height=config.height,
        is_enclosed=True,
        dropped_share=0.0,
        motion=config.motion,
        camera=config.camera,
    )
    for attempt in range(_MAX_ATTEMPTS):
        take = make_take(
            sample_scenario(scenario_config, seed, attempt),
            hand_share=config.hand_share,
            hand_style=config.hand_style,
            keep_meshes=True,
        )
        if isinstance(take, Take):
            return _record(take, config)
    raise InvalidValueError(
        f"No acceptable recording for seed {seed} in {_MAX_ATTEMPTS} attempts with families {config.families}."
    )


def _record(take: Take, config: RecordingConfig) -> SimulatedRecording:
    """What a depth camera makes of a take."""
    scenario, stage, seed = take.scenario, take.stage, take.scenario.seed
    depths = stage.depths
    if config.depth is not None:
        depths = corrupt_depths(depths, config.depth, named_rng(seed, "depth"), 1.0)
    depths = np.where(depths <= _MAX_DEPTH, np.rint(depths * 1000) / 1000, 0.0).astype(np.float32)
    poses = stage.world_from_camera
    if config.poses == "tracked":
        distance = float(np.median(stage.depths[take.is_object]))
        poses = corrupt_poses(poses, distance, TRACKED_POSES, named_rng(seed, "poses"), 1.0)
    return SimulatedRecording(
        times=np.arange(config.num_frames) / config.fps,
        images=render_images(
            scenario,
            stage,
            None if take.hand is None else take.hand[0],
            supersampling=config.supersampling,
            is_plain=config.is_plain,
        ),
        depths=depths,
        intrinsics=stage.intrinsics,
        world_from_camera=None if config.poses == "none" else poses,
        part_images=take.part_images.astype(np.uint8),
        object_masks=take.is_object,
        truth=take.truth,
        scenario=scenario,
        stage=stage,
        fps=config.fps,
        provenance={
            "family": scenario.family,
            "seed": seed,
            "attempts": scenario.attempt + 1,
            "has_hand": take.hand is not None,
        },
    )
