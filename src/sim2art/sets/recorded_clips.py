"""Rendered recordings put through the whole chain of `sim2art run`, and scored at the points that the chain drew.

The truth is brought to the chain's terms: to its used frames, and to the world of its first used camera. Any stage of
the chain may be given the truth instead, which tells how much that stage loses.
"""

import dataclasses
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.dataset.clip import Clip
from sim2art.errors import Sim2ArtError
from sim2art.geometry.transforms import inverse
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.sampling import FlowSource, sample_point_video
from sim2art.perception.cameras.scale import scale_by_factor
from sim2art.perception.captures.capture import ColorSource, MemoryCapture
from sim2art.perception.components import CHAINS, parse_choice, refuse_lacking
from sim2art.perception.observed import Observation
from sim2art.perception.options import CompleteOptions, ObserveOptions
from sim2art.perception.pipeline import Truth, observe
from sim2art.perception.prepare import prepare
from sim2art.simulate.recordings import RecordingConfig, SimulatedRecording, render_recording
from sim2art.simulate.seeds import named_rng

SwapName = Literal["depth", "poses", "mask", "flow"]
"""Stages that the truth may replace."""
_MAX_COLOR_FRAMES = 24
"""Every second frame of a recording: half the cost of COLMAP and of the depth head."""


def observe_recording(
    seed: int,
    *,
    num_frames: int,
    num_points: int,
    swaps: tuple[SwapName, ...] = (),
    families: tuple[str, ...] = TRAINING_FAMILIES,
    config: RecordingConfig | None = None,
) -> Clip:
    """The clip that the chain makes of the recording of a seed.

    Its provenance says `moves` (whether the chain saw any motion) and `chain_failure`: why the chain refused the
    recording (None when it did not; the points are then drawn from the truth, so that there is something to miss).
    """
    recording = render_recording(dataclasses.replace(config or RecordingConfig(), families=families), seed)
    return observe_rendered(recording, num_frames=num_frames, num_points=num_points, swaps=swaps)


def observe_rendered(
    recording: SimulatedRecording, *, num_frames: int, num_points: int, swaps: tuple[SwapName, ...] = ()
) -> Clip:
    """The clip that the chain makes of a rendered recording; see `observe_recording`."""
    options = ObserveOptions(num_frames=num_frames, num_points=num_points)
    try:
        observation = observe(_as_capture(recording, swaps), options, truth=_true_stages(recording, swaps))
    except Sim2ArtError as error:
        return _unobserved(recording, options, reason=f"{type(error).__name__}: {error}")
    return label_observation(recording, observation)


class ColorClip(NamedTuple):
    """A recording seen in colour alone."""

    clip: Clip
    observation: Observation | None
    """With the images, which have a say where depth is guessed; None where the chain refused the recording."""
    part_images: Int[np.ndarray, "frame height width"] | None = None
    """True part of every pixel of the used frames, 0 what stands still."""


def observe_colors(seed: int, *, num_frames: int, num_points: int, families: tuple[str, ...]) -> ColorClip:
    """The clip that chain `light` makes of the colours alone of the recording of a seed.

    The chain gets images and times, no depth, poses or intrinsics. Lengths come out in no known unit, so the clip is
    brought to the truth's, as a perfect known length would; directions and types do not hang on it.

    Raises:
        InvalidFileError: When the chain cannot run on this machine, which is no fault of the recording.
    """
    chain = CHAINS["light"]
    refuse_lacking({task: parse_choice(task, choice) for task, choice in chain.items()})
    recording = render_recording(RecordingConfig(families=families), seed)
    options = ObserveOptions(
        num_frames=num_frames, num_points=num_points, depth=chain["depth"], cameras=chain["cameras"], mask=chain["mask"],
        flow=chain["flow"], features=chain["features"], complete=CompleteOptions(max_frames=_MAX_COLOR_FRAMES),
    )  # fmt: skip
    colors = ColorSource(
        path=Path("memory"), frame_ids=tuple(range(len(recording.times))), times=recording.times,
        images=lambda index: recording.images[index],
    )  # fmt: skip
    try:
        completed = prepare(colors, options)
        frames = list(completed.frame_ids)
        ratios = [
            recording.stage.depths[frame] / np.maximum(completed.read_depth(index), 1e-6)
            for index, frame in enumerate(frames)
        ]
        ratios = [ratio[recording.object_masks[frame]] for ratio, frame in zip(ratios, frames, strict=True)]
        scaled = scale_by_factor(completed, float(np.median(np.concatenate(ratios))), "the truth")
        # Depth and cameras are there now: the chain goes on as with a depth camera's recording.
        observation = observe(scaled, dataclasses.replace(options, depth="auto", cameras="auto"))
    except Sim2ArtError as error:
        clip = _unobserved(recording, options, reason=f"{type(error).__name__}: {error}")
        return ColorClip(clip=clip, observation=None)
    parts = recording.part_images_of(list(observation.frame_ids))
    return ColorClip(clip=label_observation(recording, observation), observation=observation, part_images=parts)


def label_observation(recording: SimulatedRecording, observation: Observation) -> Clip:
    """An observation of a recording with the truth at its points."""
    frames = list(observation.frame_ids)
    truth = recording.truth_of(frames)
    points = observation.points
    pixels = points.pixels.astype(np.int64)
    part_images = recording.part_images_of(frames)
    assert part_images.shape == observation.video.depths.shape, "The chain works at the recording's own size."
    part_ids = part_images[np.arange(len(frames))[:, None], pixels[..., 1], pixels[..., 0]]
    return Clip(
        video=points,
        truth=truth.articulated_object,
        part_ids=np.where(points.valid, part_ids, 0),
        trajectory=dataclasses.replace(truth.trajectory, times=points.times.copy()),
        provenance={
            **recording.provenance,
            "frames": frames,
            "moves": observation.moves,
            "warnings": list(observation.warnings),
            "chain_failure": None,
        },
    )


def _as_capture(recording: SimulatedRecording, swaps: tuple[SwapName, ...]) -> MemoryCapture:
    """What a reader would give, with true depth or poses where asked."""
    depths = recording.stage.depths if "depth" in swaps else recording.depths
    poses = recording.stage.world_from_camera if "poses" in swaps else recording.world_from_camera
    return MemoryCapture(
        images=recording.images,
        depths=depths,
        times=recording.times,
        intrinsics=recording.intrinsics,
        world_from_camera=poses,
    )


def _true_stages(recording: SimulatedRecording, swaps: tuple[SwapName, ...]) -> Truth:
    """True masks and flow where asked."""

    def true_masks(frames: Int[np.ndarray, "used"]) -> Bool[np.ndarray, "used height width"]:
        return recording.object_masks[frames]

    def true_flow(frames: Int[np.ndarray, "used"], video: RgbdVideo) -> FlowSource:
        exact = recording.exact_flow([int(frame) for frame in frames])
        poses = exact.world_from_camera
        return dataclasses.replace(exact, world_from_camera=inverse(poses[0]) @ poses)

    return Truth(masks=true_masks if "mask" in swaps else None, flow=true_flow if "flow" in swaps else None)


def _unobserved(recording: SimulatedRecording, options: ObserveOptions, *, reason: str) -> Clip:
    """A clip of evenly spread frames and true observations, for a recording that the chain refused."""
    total = len(recording.times)
    frames = [int(frame) for frame in np.linspace(0, total - 1, options.num_frames).round()]
    video = recording.to_video(frames, is_noiseless=True)
    truth = recording.truth_of(frames)
    rng = named_rng(recording.scenario.seed, "unobserved")
    points = sample_point_video(
        video, recording.exact_flow(frames), rng=rng, num_points=options.num_points, baselines=options.baselines
    )
    pixels = points.pixels.astype(np.int64)
    part_ids = recording.part_images_of(frames)[np.arange(len(frames))[:, None], pixels[..., 1], pixels[..., 0]]
    return Clip(
        video=points,
        truth=truth.articulated_object,
        part_ids=np.where(points.valid, part_ids, 0),
        trajectory=dataclasses.replace(truth.trajectory, times=points.times.copy()),
        provenance={**recording.provenance, "frames": frames, "moves": False, "chain_failure": reason},
    )
