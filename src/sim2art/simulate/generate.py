"""From (config, seed) to a `Clip`: sample a scenario, render it, check it, corrupt it, draw points. Pure."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import merge_still_links, rebased
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.normalization import fit_normalization
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.sampling import sample_point_video
from sim2art.simulate.flow_sources import ExactFlow
from sim2art.simulate.rasterizer import body_ids, collect_bodies, render_frames
from sim2art.simulate.scenario import Scenario, ScenarioConfig, sample_scenario
from sim2art.simulate.seeds import log_uniform, named_rng

CorruptionName = Literal["none", "paper", "real"]
MAX_ATTEMPTS = 40


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """What clips are drawn from."""

    families: tuple[str, ...] = TRAINING_FAMILIES
    """Names in `sim2art.assets.procedural.FAMILIES`; each is equally likely."""
    num_frames: int = 16
    num_points: int = 2048
    image_size: int = 256
    """Width and height of the rendered frames, px."""
    corruption: CorruptionName = "real"
    baselines: tuple[int, ...] = (1, 3)
    """Frame offsets of the flows."""
    room_share: float = 0.5
    """Clips in which no object mask is known: the object stands in a room, cropped around what moves."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The part of a scenario that a video can show: links that never moved are joined; world frame, rest at frame 0."""

    articulated_object: ArticulatedObject
    trajectory: JointTrajectory
    part_of_link: Int[np.ndarray, "link"]


def generate_clip(config: ClipConfig, seed: int) -> Clip:
    """The clip that belongs to (config, seed): the same bytes in every process.

    Raises:
        InvalidValueError: When no acceptable scenario is found, or a family is unknown.
    """
    is_cropped = named_rng(seed, "mask").uniform() < config.room_share
    scenario_config = ScenarioConfig(
        families=config.families,
        num_frames=config.num_frames,
        width=config.image_size,
        height=config.image_size,
        has_room=is_cropped or config.corruption == "real",
    )
    for attempt in range(MAX_ATTEMPTS):
        scenario = sample_scenario(scenario_config, seed, attempt)
        clip = _try_clip(scenario, config, is_cropped=is_cropped)
        if clip is not None:
            return clip
    raise InvalidValueError(
        f"No acceptable scenario for seed {seed} in {MAX_ATTEMPTS} attempts with families {config.families}."
    )


def iterate_clips(config: ClipConfig, seeds: Iterable[int]) -> Iterator[Clip]:
    """Clips of the given seeds, one after another."""
    for seed in seeds:
        yield generate_clip(config, seed)


def derive_truth(scenario: Scenario) -> Truth:
    """What a perfect method would answer for a scenario; meshes are dropped."""
    bare = dataclasses.replace(
        scenario.articulated_object,
        links=tuple(dataclasses.replace(link, mesh=None) for link in scenario.articulated_object.links),
    )
    first = np.array(scenario.trajectory.values[0])
    shifted = dataclasses.replace(scenario.trajectory, values=scenario.trajectory.values - first)
    merged, trajectory, part_of_link = merge_still_links(rebased(bare, first), shifted)
    world_from_stage = inverse(scenario.camera_path.stage_from_camera[0])
    return Truth(
        articulated_object=merged.moved(world_from_stage), trajectory=trajectory, part_of_link=part_of_link
    )


def _try_clip(scenario: Scenario, config: ClipConfig, *, is_cropped: bool) -> Clip | None:
    """The clip of a scenario, or None when it shows too little of what moves."""
    path = scenario.camera_path
    links = scenario.articulated_object.links
    bodies = collect_bodies([link.mesh for link in links] + [scenario.room])
    num_frames = len(path.stage_from_camera)
    stage_from_body = np.concatenate(
        [scenario.link_motions, np.broadcast_to(np.eye(4), (num_frames, 1, 4, 4))], axis=1
    )
    camera_from_stage = inverse(path.stage_from_camera)
    camera_from_body = camera_from_stage[:, None] @ stage_from_body
    rendered = render_frames(bodies, camera_from_body, path.intrinsics, width=path.width, height=path.height)
    body_images = body_ids(bodies, rendered.face_ids)
    truth = derive_truth(scenario)
    part_of_body = np.append(truth.part_of_link, [0, 0])  # Room, and -1 for "nothing".
    part_images = part_of_body[body_images]
    if not _shows_motion(scenario, truth, part_images):
        return None
    world_from_camera = camera_from_stage[0] @ path.stage_from_camera
    if is_cropped:
        masks = _crop_masks(scenario, truth, rendered.depths, world_from_camera)
    else:
        masks = (body_images >= 0) & (body_images < len(links))
    if not masks.any():
        return None
    flow = ExactFlow(
        depths=rendered.depths,
        bodies=body_images,
        camera_from_body=camera_from_body,
        body_from_camera=inverse(camera_from_body),
        world_from_camera=world_from_camera,
        intrinsics=path.intrinsics,
    )
    video = RgbdVideo(
        times=scenario.trajectory.times,
        images=np.zeros((num_frames, path.height, path.width, 3), dtype=np.uint8),
        depths=rendered.depths,
        object_masks=masks,
        intrinsics=path.intrinsics,
        world_from_camera=world_from_camera,
        is_metric=True,
    )
    points = sample_point_video(
        video,
        flow,
        rng=named_rng(scenario.seed, "points"),
        num_points=config.num_points,
        baselines=config.baselines,
    )
    pixels = points.pixels.astype(np.int64)
    part_ids = np.where(
        points.valid, part_images[np.arange(num_frames)[:, None], pixels[..., 1], pixels[..., 0]], 0
    )
    if config.corruption != "none":
        points = add_white_noise(points, named_rng(scenario.seed, "white noise"))
    return Clip(
        video=points,
        truth=truth.articulated_object,
        part_ids=part_ids,
        trajectory=truth.trajectory,
        provenance={
            "family": scenario.family,
            "seed": scenario.seed,
            "attempts": scenario.attempt + 1,
            "corruption": config.corruption,
            "is_cropped": is_cropped,
        },
    )


def add_white_noise(points: PointVideo, rng: np.random.Generator) -> PointVideo:
    """The `paper` corruption: Gaussian noise whose size (in normalised units) is drawn once per clip."""
    scale = fit_normalization(points).scale
    point_sigma, flow_sigma = log_uniform(rng, 0.005, 0.02) * scale, log_uniform(rng, 0.002, 0.01) * scale
    point_noise = rng.standard_normal(points.points_world.shape, dtype=np.float32) * point_sigma
    flow_noise = rng.standard_normal(points.flow_world.shape, dtype=np.float32) * flow_sigma
    return dataclasses.replace(
        points,
        points_world=points.points_world + point_noise * points.valid[..., None],
        flow_world=points.flow_world + flow_noise * points.flow_valid[..., None],
    )


def _shows_motion(scenario: Scenario, truth: Truth, part_images: Int[np.ndarray, "frame height width"]) -> bool:
    """Whether each moving part is seen well enough, often enough, and moves far enough to be noticed."""
    num_frames, height, width = part_images.shape
    num_parts = len(truth.articulated_object.links)
    needed = 40 * height * width / 256**2
    offsets = np.arange(num_frames)[:, None, None] * num_parts
    counts = np.bincount((part_images + offsets).ravel(), minlength=num_frames * num_parts)
    counts = counts.reshape(num_frames, num_parts)
    if counts[:, 0].max() == height * width and num_parts > 1:
        return False
    return bool(np.all((counts[:, 1:] >= needed).sum(axis=0) >= max(2, num_frames / 3)))


def _crop_masks(
    scenario: Scenario,
    truth: Truth,
    depths: Float[np.ndarray, "frame height width"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Bool[np.ndarray, "frame height width"]:
    """Pixels whose point lies in a world box around what moves, as the real chain crops when it knows no mask."""
    rng = named_rng(scenario.seed, "crop")
    world_from_stage = inverse(scenario.camera_path.stage_from_camera[0])
    moving = [
        (index, link.mesh.vertices)
        for index, link in enumerate(scenario.articulated_object.links)
        if link.mesh is not None and (truth.part_of_link[index] > 0 or len(truth.articulated_object.links) == 1)
    ]
    swept = np.concatenate(
        [apply(world_from_stage @ scenario.link_motions[:, index], points).reshape(-1, 3) for index, points in moving]
    )
    low, high = np.percentile(swept, [1, 99], axis=0)
    center, half = (low + high) / 2, (high - low) / 2
    half = np.maximum(half, 0.15 * half.max()) * rng.uniform(1.2, 2.2)
    rows, columns = np.mgrid[0 : depths.shape[1], 0 : depths.shape[2]]
    rays = unproject(
        scenario.camera_path.intrinsics, np.stack([columns, rows], axis=-1).astype(np.float64), np.ones(rows.shape)
    ).astype(np.float32)
    masks = np.empty(depths.shape, dtype=bool)
    for frame, depth in enumerate(depths):
        rotation = world_from_camera[frame, :3, :3].astype(np.float32)
        offset = (world_from_camera[frame, :3, 3] - center).astype(np.float32)
        points = (rays * depth[..., None]) @ rotation.T + offset
        masks[frame] = np.all(np.abs(points) <= half.astype(np.float32), axis=-1) & (depth > 0)
    return masks
