"""From a cached clip to what the slot network learns from: drawn points, exact flow, a changed view, fresh noise."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.observation.normalization import normalize_box
from sim2art.simulate.corruption import CORRUPTIONS
from sim2art.simulate.seeds import log_uniform
from sim2art.train.clip_cache import BASE, MAX_PARTS, POINT_STEP
from sim2art.train.config import Augmentation, NoiseName

NO_AUGMENTATION = Augmentation(yaw=0.0, tilt=0.0, mirrored=0.0, reversed=0.0, drop_flow=0.0)


class SlotExample(NamedTuple):
    """One clip for the slot network. Arrays without a batch axis; parts are padded to a fixed number."""

    points: np.ndarray
    """float32 (frame, point, 3), normalised."""
    features: np.ndarray
    """float32 (frame, point, channel): flow and validity at each baseline, then semantics."""
    point_valid: np.ndarray
    part_ids: np.ndarray
    """int16 (frame, point)."""
    part_present: np.ndarray
    """bool (part): part 0 is the static body."""
    part_types: np.ndarray
    """int16 (part): 0 static, 1 revolute, 2 prismatic."""
    part_axes: np.ndarray
    """float32 (part, 3): sign tied to the motion."""
    part_pivots: np.ndarray
    """float32 (part, 3)."""
    part_motions: np.ndarray
    """float32 (frame, part): positive at the largest excursion."""


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """The moving parts as this pass shows them."""

    motions: Float[np.ndarray, "part frame 4 4"]
    values: Float[np.ndarray, "part frame"]
    axes: Float[np.ndarray, "part 3"]
    pivots: Float[np.ndarray, "part 3"]


@dataclass(frozen=True, kw_only=True)
class _Points:
    """The points that this pass shows."""

    points: Float[np.ndarray, "frame point 3"]
    part_ids: Int[np.ndarray, "frame point"]
    valid: Bool[np.ndarray, "frame point"]
    flow_valid: Bool[np.ndarray, "baseline frame point"]
    flow: Float[np.ndarray, "baseline frame point 3"] | None
    """As it was measured; None where the parts' motions give it."""
    semantics: Float[np.ndarray, "frame point channel"]

    def play_backwards(self) -> "_Points":
        """The last frame first."""
        assert self.flow is None
        return _Points(
            points=self.points[::-1],
            part_ids=self.part_ids[::-1],
            valid=self.valid[::-1],
            flow_valid=self.flow_valid[:, ::-1],
            flow=None,
            semantics=self.semantics[::-1],
        )


def make_cached_example(
    record: np.ndarray,
    rng: np.random.Generator,
    *,
    num_points: int,
    kept_baselines: tuple[int, ...],
    baselines: tuple[int, ...],
    noise: NoiseName = "paper",
    num_semantics: int = 0,
    augmentation: Augmentation = NO_AUGMENTATION,
) -> SlotExample:
    """One pass over a clip.

    Args:
        record: What `clip_cache` keeps.
        kept_baselines: Of the flows that the cache knows of.
        baselines: Of the flows that the pass shows, some of those.
        noise: `paper` adds white noise of a size drawn anew, `none` adds none; with `real` the record has the noise of
            sensors, and measured flow, which cannot be played backwards.
        num_semantics: Channels of the record's semantics that are shown, all or none.
    """
    count = int(record["num_parts"])
    is_revolute, parents = record["is_revolute"][:count], record["parents"][:count]
    shown = [kept_baselines.index(baseline) for baseline in baselines]
    seen = _draw_points(record, rng, num_points, shown, is_measured=noise == "real", num_semantics=num_semantics)
    parts = _read_parts(record)
    if rng.random() < augmentation.reversed and seen.flow is None:
        seen, parts = seen.play_backwards(), _play_backwards(parts, parents)
    linear = _draw_view(augmentation, rng)
    points, parts = _change_view(seen.points, parts, is_revolute, linear)
    flow_valid = seen.flow_valid & seen.valid
    if seen.flow is None:
        flow, has_later = _exact_flow(points, seen.part_ids, parts.motions, baselines)
        flow_valid &= has_later
    else:
        flow = seen.flow @ linear.T
    flow_valid &= rng.random(flow_valid.shape) >= augmentation.drop_flow
    if noise == "paper":
        white = CORRUPTIONS["paper"].white_noise
        assert white is not None
        points = points + rng.standard_normal(points.shape) * log_uniform(rng, *white.points)
        flow = flow + rng.standard_normal(flow.shape) * log_uniform(rng, *white.flow)
    box = normalize_box(points[seen.valid])
    points = box.apply(points) * seen.valid[..., None]
    channels = np.concatenate([flow / box.scale * flow_valid[..., None], flow_valid[..., None]], axis=-1)
    channels = np.moveaxis(channels, 0, 2).reshape(*seen.valid.shape, -1)
    values = parts.values / np.where(is_revolute, 1.0, box.scale)[:, None]
    peaks = values[np.arange(count), np.argmax(np.abs(values), axis=1)] if count else np.zeros(0)
    signs = np.where(peaks < 0, -1.0, 1.0)
    padding = MAX_PARTS - 1 - count
    return SlotExample(
        points=points.astype(np.float32),
        features=np.concatenate([channels, seen.semantics], axis=-1, dtype=np.float32),
        point_valid=seen.valid.copy(),
        part_ids=(seen.part_ids * seen.valid).astype(np.int16),
        part_present=np.arange(MAX_PARTS) <= count,
        part_types=np.pad(np.where(is_revolute, 1, 2), (1, padding)).astype(np.int16),
        part_axes=np.pad(parts.axes * signs[:, None], ((1, padding), (0, 0))).astype(np.float32),
        part_pivots=np.pad(box.apply(parts.pivots), ((1, padding), (0, 0))).astype(np.float32),
        part_motions=np.pad((values * signs[:, None]).T, ((0, 0), (1, padding))).astype(np.float32),
    )


def _draw_points(
    record: np.ndarray,
    rng: np.random.Generator,
    num_points: int,
    shown: list[int],
    *,
    is_measured: bool,
    num_semantics: int,
) -> _Points:
    """Some points of every frame, valid ones first; `shown` are places of flows."""
    drawn = np.argsort(rng.random(record["valid"].shape) + ~record["valid"], axis=1)[:, :num_points]
    rows = np.arange(len(drawn))[:, None]
    return _Points(
        points=record["points"][rows, drawn].astype(np.float64) * POINT_STEP,
        part_ids=record["part_ids"][rows, drawn].astype(np.int64),
        valid=record["valid"][rows, drawn],
        flow_valid=record["flow_valid"][shown][:, rows, drawn],
        flow=record["flow"][shown][:, rows, drawn].astype(np.float64) * POINT_STEP if is_measured else None,
        semantics=record["semantics"][rows, drawn] if num_semantics else np.zeros((*drawn.shape, 0)),
    )


def _read_parts(record: np.ndarray) -> _Parts:
    """The moving parts as they are kept."""
    count = int(record["num_parts"])
    motions = np.tile(np.eye(4), (count, record["valid"].shape[0], 1, 1))
    motions[:, :, :3] = record["motions"][:count]
    return _Parts(
        motions=motions,
        values=record["values"][:count].astype(np.float64),
        axes=record["axes"][:count].astype(np.float64),
        pivots=record["pivots"][:count].astype(np.float64),
    )


def _play_backwards(parts: _Parts, parents: np.ndarray) -> _Parts:
    """The last frame becomes the rest pose: joints stand where their parents carried them, values start at 0 there."""
    last = np.tile(np.eye(4), (len(parents), 1, 1))
    last[parents != BASE] = parts.motions[parents[parents != BASE], -1]
    return _Parts(
        motions=parts.motions[:, ::-1] @ np.linalg.inv(parts.motions[:, -1:]),
        values=parts.values[:, ::-1] - parts.values[:, -1:],
        axes=np.einsum("pij,pj->pi", last[:, :3, :3], parts.axes),
        pivots=np.einsum("pij,pj->pi", last[:, :3, :3], parts.pivots) + last[:, :3, 3],
    )


def _draw_view(augmentation: Augmentation, rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """A turn, at times of a mirror image."""
    turn = rotation_from_rotvec(rng.standard_normal(3) * [augmentation.tilt, augmentation.yaw, augmentation.tilt])
    return turn * np.array([-1.0 if rng.random() < augmentation.mirrored else 1.0, 1.0, 1.0])


def _change_view(
    points: np.ndarray, parts: _Parts, is_revolute: np.ndarray, linear: Float[np.ndarray, "3 3"]
) -> tuple[np.ndarray, _Parts]:
    """Points (frame, point, 3) and parts in that view."""
    view = np.eye(4)
    view[:3, :3] = linear
    # A turn seen in a mirror goes the other way round.
    flips = np.where(is_revolute & (np.linalg.det(linear) < 0), -1.0, 1.0)[:, None]
    return points @ linear.T, _Parts(
        motions=view @ parts.motions @ np.linalg.inv(view),
        values=parts.values,
        axes=parts.axes @ linear.T * flips,
        pivots=parts.pivots @ linear.T,
    )


def _exact_flow(
    points: np.ndarray, part_ids: np.ndarray, motions: np.ndarray, baselines: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Flow (baseline, frame, point, 3) that the parts' motions give, and whether the clip has that later frame."""
    frames, num_points = part_ids.shape
    carried = np.concatenate([np.tile(np.eye(4), (1, frames, 1, 1)), motions])
    back = np.linalg.inv(carried)
    flow = np.zeros((len(baselines), frames, num_points, 3))
    seen = np.zeros((len(baselines), frames, num_points), dtype=bool)
    for index, baseline in enumerate(baselines):
        count = frames - baseline
        if count <= 0:
            continue
        steps = carried[:, baseline:] @ back[:, :count]
        own = steps[part_ids[:count], np.arange(count)[:, None]]
        moved = np.einsum("tpij,tpj->tpi", own[..., :3, :3], points[:count]) + own[..., :3, 3]
        flow[index, :count] = moved - points[:count]
        seen[index, :count] = True
    return flow, seen
