"""From (config, seed) to a `Clip`: sample a scenario, render it, check it, corrupt it, draw points. Pure."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidValueError
from sim2art.observation.normalization import fit_normalization
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.sampling import DEFAULT_BASELINES, FlowSource, sample_point_video
from sim2art.simulate.camera_paths import CameraConfig
from sim2art.simulate.corruption import CORRUPTIONS, CorruptionConfig, WhiteNoise, keep_only, switch_off
from sim2art.simulate.crops import crop_masks, sample_crop_box
from sim2art.simulate.guessed_depth import Guess, GuessedFlow, as_guessed, guess_depths, mean_factors
from sim2art.simulate.images import render_images
from sim2art.simulate.joint_motions import MotionConfig
from sim2art.simulate.measured_flow import MeasuredFlow, sample_flow_errors
from sim2art.simulate.quality import Rejection
from sim2art.simulate.renderer import Renderer
from sim2art.simulate.scenario import DROPPED_SHARE, ScenarioConfig, sample_scenario
from sim2art.simulate.seeds import log_uniform, named_rng
from sim2art.simulate.sensor_noise import corrupt_depths, corrupt_masks, corrupt_poses
from sim2art.simulate.takes import Take, make_take

CorruptionName = Literal["none", "paper", "real", "guessed"]
GENERATOR_VERSION = 1
"""Changes whenever the same (config, seed) gives other bytes."""
MAX_ATTEMPTS = 60


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """What clips are drawn from."""

    families: tuple[str, ...] = TRAINING_FAMILIES
    """Names that `sim2art.assets.library` knows; each is equally likely."""
    num_frames: int = 16
    num_points: int = 2048
    image_size: int = 256
    """Width and height of the rendered frames, px."""
    corruption: CorruptionName = "real"
    without: tuple[str, ...] = ()
    """Effects of the corruption that are switched off (`sim2art.simulate.corruption.EFFECTS`)."""
    only: tuple[str, ...] = ()
    """Effects that stay on, all others being off; empty: all."""
    baselines: tuple[int, ...] = DEFAULT_BASELINES
    """Frame offsets of the flows."""
    room_share: float = 0.5
    """Clips in which no object mask is known: the object stands in a room, cropped around what moves."""

    @property
    def effects(self) -> CorruptionConfig:
        """The corruption with the effects that are on.

        Raises:
            InvalidValueError: When an effect is unknown.
        """
        chosen = CORRUPTIONS[self.corruption]
        return switch_off(keep_only(chosen, self.only) if self.only else chosen, self.without)


@runtime_checkable
class PixelDescriber(Protocol):
    """Features of places in colour frames, such as those of a vision network."""

    def __call__(
        self, images: UInt8[np.ndarray, "frame height width 3"], pixels: Float[np.ndarray, "frame point 2"]
    ) -> Float[np.ndarray, "frame point channel"]:
        """Features at pixels (x, y) of every frame; slots without a point are at (0, 0)."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Sensed:
    """What the (corrupted) sensors say about a stage."""

    depths: Float32[np.ndarray, "frame height width"]
    masks: Bool[np.ndarray, "frame height width"]
    world_from_camera: Float[np.ndarray, "frame 4 4"]
    flow: FlowSource
    guess: Guess | None
    """Where depth was guessed."""


def generate_clip(
    config: ClipConfig,
    seed: int,
    *,
    renderer: Renderer | None = None,
    describe: PixelDescriber | None = None,
    motion: MotionConfig | None = None,
    camera: CameraConfig | None = None,
) -> Clip:
    """The clip that belongs to (config, seed): the same bytes in every process.

    Args:
        renderer: Another renderer than our rasteriser; it must see the same within a fraction of a millimetre.
        describe: Colour is rendered and given to it, and the points carry its features; without it nothing is shaded.
        motion: How joints move, where not as in training.
        camera: Who looks, where not as in training.

    Raises:
        InvalidValueError: When no acceptable scenario is found, or a family is unknown.
    """
    is_cropped = bool(named_rng(seed, "mask").uniform() < config.room_share)
    corruption = config.effects
    scenario_config = ScenarioConfig(
        families=config.families,
        num_frames=config.num_frames,
        width=config.image_size,
        height=config.image_size,
        # Masks leak, so what they leak into must be there.
        has_room=is_cropped or CORRUPTIONS[config.corruption].mask is not None,
        dropped_share=DROPPED_SHARE if corruption.drops_frames else 0.0,
        motion=motion or MotionConfig(),
        camera=camera or CameraConfig(),
    )
    rejections: Counter[str] = Counter()
    for attempt in range(MAX_ATTEMPTS):
        take = make_take(
            sample_scenario(scenario_config, seed, attempt),
            hand_share=0.0 if corruption.hand is None else corruption.hand.share,
            renderer=renderer,
        )
        clip = _observe(take, config, corruption, describe, is_cropped=is_cropped) if isinstance(take, Take) else take
        if isinstance(clip, Clip):
            return dataclasses.replace(clip, provenance={**clip.provenance, "rejections": dict(rejections)})
        rejections[clip.value] += 1
    raise InvalidValueError(
        f"No acceptable scenario for seed {seed} in {MAX_ATTEMPTS} attempts with families {config.families}; "
        f"rejected because: {dict(rejections)}."
    )


def iterate_clips(config: ClipConfig, seeds: Iterable[int]) -> Iterator[Clip]:
    """Clips of the given seeds, one after another."""
    for seed in seeds:
        yield generate_clip(config, seed)


def _observe(
    take: Take, config: ClipConfig, corruption: CorruptionConfig, describe: PixelDescriber | None, *, is_cropped: bool
) -> Clip | Rejection:
    """The clip of a take, or why it is refused."""
    scenario, stage = take.scenario, take.stage
    sensed = _sense(take, corruption, is_cropped=is_cropped)
    if not np.any(sensed.masks & (sensed.depths > 0)):
        return Rejection.NO_POINTS
    truth = take.truth
    if sensed.guess is not None:
        num_parts = len(truth.articulated_object.links)
        truth = as_guessed(truth, mean_factors(sensed.guess, take.part_images, num_parts))
    video = RgbdVideo(
        times=scenario.trajectory.times,
        images=np.zeros((*stage.depths.shape, 3), dtype=np.uint8),
        depths=sensed.depths,
        object_masks=sensed.masks,
        intrinsics=stage.intrinsics,
        world_from_camera=sensed.world_from_camera,
        is_metric=True,
    )
    points = sample_point_video(
        video,
        sensed.flow,
        rng=named_rng(scenario.seed, "points"),
        num_points=config.num_points,
        baselines=config.baselines,
    )
    if corruption.white_noise is not None:
        points = add_white_noise(points, corruption.white_noise, named_rng(scenario.seed, "white noise"))
    if describe is not None:
        images = render_images(scenario, stage, None if take.hand is None else take.hand[0])
        points = dataclasses.replace(points, features=describe(images, points.pixels))
    pixels = points.pixels.astype(np.int64)
    seen = take.part_images[np.arange(config.num_frames)[:, None], pixels[..., 1], pixels[..., 0]]
    return Clip(
        video=points,
        truth=truth.articulated_object,
        part_ids=np.where(points.valid, seen, 0),
        trajectory=truth.trajectory,
        provenance={
            "family": scenario.family,
            "seed": scenario.seed,
            "attempts": scenario.attempt + 1,
            "corruption": config.corruption,
            "is_cropped": is_cropped,
            "has_hand": take.hand is not None,
            "generator": GENERATOR_VERSION,
            **{name: list(effects) for name in ("only", "without") if (effects := getattr(config, name))},
        },
    )


def _sense(take: Take, corruption: CorruptionConfig, *, is_cropped: bool) -> _Sensed:
    """Depth, masks, poses and flow as the clip's sensors give them."""
    stage, seed = take.stage, take.scenario.seed
    severity = log_uniform(named_rng(seed, "severity"), *corruption.severity)
    depths, poses, flow = stage.depths, stage.world_from_camera, stage.exact_flow()
    guess = None
    if corruption.guess is not None:
        guess = guess_depths(flow, corruption.guess, named_rng(seed, "guess"), severity)
        depths = guess.depths
    elif corruption.depth is not None:
        depths = corrupt_depths(depths, corruption.depth, named_rng(seed, "depth"), severity)
    if corruption.poses is not None:
        distance = float(np.median(stage.depths[stage.bodies < stage.num_links]))
        poses = corrupt_poses(poses, distance, corruption.poses, named_rng(seed, "poses"), severity)
    if corruption.flow is not None:
        rng = named_rng(seed, "flow")
        errors = sample_flow_errors(corruption.flow, rng, severity, stage.depths.shape[2])
        exact = flow
        flow = MeasuredFlow(exact, depths=depths, world_from_camera=poses, errors=errors, rng=rng)
        if guess is not None and corruption.guess is not None:
            flow = GuessedFlow(
                flow,
                exact=exact,
                world_from_camera=poses,
                factors=mean_factors(guess, stage.bodies, exact.camera_from_body.shape[1]),
                motion_error=log_uniform(rng, *corruption.guess.motion),
                rng=rng,
            )
    if is_cropped:
        # A hand moves too, and the crop is drawn around all that does.
        is_moving = (take.part_images > 0) | (stage.bodies == stage.hand_body)
        box = sample_crop_box(stage, is_moving, named_rng(seed, "crop"))
        masks = depths > 0 if box is None else crop_masks(depths, poses, stage.intrinsics, *box)
    else:
        masks = take.is_object
        if corruption.mask is not None:
            rng = named_rng(seed, "mask noise")
            if corruption.hand is not None and rng.uniform() < corruption.hand.leak_share:
                masks = masks | (stage.bodies == stage.hand_body)
            masks = corrupt_masks(masks, stage.bodies == stage.room_body, corruption.mask, rng)
    return _Sensed(depths=depths, masks=masks, world_from_camera=poses, flow=flow, guess=guess)


def add_white_noise(points: PointVideo, config: WhiteNoise, rng: np.random.Generator) -> PointVideo:
    """Gaussian noise on points and flow whose size (in normalised units) is drawn once per clip."""
    scale = fit_normalization(points).scale
    point_sigma, flow_sigma = log_uniform(rng, *config.points) * scale, log_uniform(rng, *config.flow) * scale
    point_noise = rng.standard_normal(points.points_world.shape, dtype=np.float32) * point_sigma
    flow_noise = rng.standard_normal(points.flow_world.shape, dtype=np.float32) * flow_sigma
    return dataclasses.replace(
        points,
        points_world=points.points_world + point_noise * points.valid[..., None],
        flow_world=points.flow_world + flow_noise * points.flow_valid[..., None],
    )
