"""One clip as bytes: arrays as npz, the rest as JSON, rounded so that every machine writes the same."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from sim2art.articulation.io import object_from_dict, object_to_dict, trajectory_from_dict, trajectory_to_dict
from sim2art.dataset.clip import Clip
from sim2art.errors import SchemaError
from sim2art.observation.point_video import PointVideo

CLIP_SCHEMA = "sim2art.clip/1"


def encode_clip(clip: Clip) -> tuple[bytes, bytes]:
    """A clip as (npz, JSON). Points keep 10 micrometres; flow is stored as float16 (1 part in 2000 of its length).

    Numbers are rounded to what they are worth, so that processors which differ in the last bit write the same bytes.
    """
    video = clip.video
    arrays = {
        "times": _round(video.times, 9),
        "points_world": _round(video.points_world, 5).astype(np.float32),
        "valid": video.valid,
        "flow_world": _round(video.flow_world, 6).astype(np.float16),
        "flow_valid": video.flow_valid,
        "world_from_camera": _round(video.world_from_camera, 9),
        "pixels": video.pixels.astype(np.float32),
        "part_ids": clip.part_ids.astype(np.uint8),
    }
    if video.features is not None:
        # Features are the largest part of a clip, and only some frames have them.
        frames = np.flatnonzero(np.any(video.features != 0, axis=(1, 2)))
        arrays["feature_frames"] = frames
        arrays["features"] = video.features[frames].astype(np.float16)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    facts = {
        "schema": CLIP_SCHEMA,
        "baselines": list(video.baselines),
        "is_metric": video.is_metric,
        "truth": object_to_dict(clip.truth),
        "trajectory": trajectory_to_dict(clip.trajectory),
        "provenance": clip.provenance,
    }
    return buffer.getvalue(), json.dumps(_rounded(facts)).encode()


def decode_clip(arrays: bytes, facts: bytes, *, source: Path) -> Clip:
    """The clip that `encode_clip` wrote.

    Raises:
        SchemaError: When it is of another schema.
    """
    content = json.loads(facts)
    if content.get("schema") != CLIP_SCHEMA:
        raise SchemaError(
            f"'{source}' holds clips of schema {content.get('schema')!r}; this version reads '{CLIP_SCHEMA}'. "
            "Generate them again with this version.",
            path=source,
        )
    with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
        video = PointVideo(
            times=loaded["times"],
            points_world=loaded["points_world"].astype(np.float64),
            valid=loaded["valid"],
            baselines=tuple(content["baselines"]),
            flow_world=loaded["flow_world"].astype(np.float64),
            flow_valid=loaded["flow_valid"],
            world_from_camera=loaded["world_from_camera"],
            pixels=loaded["pixels"].astype(np.float64),
            is_metric=content["is_metric"],
            features=_spread_features(loaded),
        )
        part_ids = loaded["part_ids"].astype(np.int64)
    return Clip(
        video=video,
        truth=object_from_dict(content["truth"]),
        part_ids=part_ids,
        trajectory=trajectory_from_dict(content["trajectory"]),
        provenance=content["provenance"],
    )


def _spread_features(loaded: Mapping[str, np.ndarray]) -> Float[np.ndarray, "frame point channel"] | None:
    """Features of all frames, zeros in those without; None when the clip has none."""
    if "features" not in loaded:
        return None
    kept = loaded["features"].astype(np.float32)
    if "feature_frames" not in loaded:  # Written by an earlier version: every frame.
        return kept
    features = np.zeros((*loaded["valid"].shape, kept.shape[2]), np.float32)
    features[loaded["feature_frames"]] = kept
    return features


def _round(values: Float[np.ndarray, "*shape"], decimals: int) -> Float[np.ndarray, "*shape"]:
    return np.round(values, decimals) + 0.0  # No negative zeros: they are other bytes.


def _rounded(content: Any) -> Any:
    """JSON values with every number rounded to 1e-9."""
    match content:
        case float():
            return round(content, 9) + 0.0
        case dict():
            return {key: _rounded(value) for key, value in content.items()}
        case list() | tuple():
            return [_rounded(value) for value in content]
        case _:
            return content
