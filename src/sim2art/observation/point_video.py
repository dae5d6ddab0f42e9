"""Sampled surface points with scene flow: the one input of the network, the refiner and every baseline."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.errors import InvalidValueError


@dataclass(frozen=True, kw_only=True)
class PointVideo:
    """Points drawn anew in every frame: index i of one frame is not index i of the next."""

    times: Float[np.ndarray, "frame"]
    """s, increasing."""
    points_world: Float[np.ndarray, "frame point 3"]
    """Surface points, world frame, m. Slots that are not `valid` hold zeros."""
    valid: Bool[np.ndarray, "frame point"]
    """Whether a slot holds a point."""
    baselines: tuple[int, ...]
    """Frame offsets k of the flows, increasing, the first is 1: flow k goes from frame t to frame t + k."""
    flow_world: Float[np.ndarray, "baseline frame point 3"]
    """Where each point moves between frame t and frame t + k, world frame, m. Zeros where not `flow_valid`."""
    flow_valid: Bool[np.ndarray, "baseline frame point"]
    """Whether that flow was measured: false for occluded points and where t + k is past the end."""
    world_from_camera: Float[np.ndarray, "frame 4 4"]
    """Camera poses, OpenCV axes."""
    pixels: Float[np.ndarray, "frame point 2"]
    """Where each point was seen, px (x right, y down)."""
    is_metric: bool
    features: Float[np.ndarray, "frame point channel"] | None = None
    """Semantic features, or None."""

    def __post_init__(self) -> None:
        if self.flow_world.shape[0] != len(self.baselines) or not self.baselines or self.baselines[0] != 1:
            raise InvalidValueError(
                f"PointVideo has baselines {self.baselines} and flows for {self.flow_world.shape[0]}; "
                "the first baseline is 1 and each needs its flow."
            )
        for name in ("points_world", "flow_world"):
            if not np.all(np.isfinite(getattr(self, name))):
                raise InvalidValueError(
                    f"PointVideo: {name} holds values that are not finite; mark those points invalid."
                )
        if np.any(self.flow_valid & ~self.valid[None]):
            raise InvalidValueError("PointVideo: flow is marked valid for points that are not valid.")
        for name in ("times", "points_world", "valid", "flow_world", "flow_valid", "world_from_camera", "pixels"):
            getattr(self, name).flags.writeable = False

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return self.points_world.shape[0]

    @property
    def num_points(self) -> int:
        """Number of point slots per frame."""
        return self.points_world.shape[1]

    def take(self, slots: Int[np.ndarray, "*frame slot"]) -> "PointVideo":
        """The same clip with chosen slots only, the same ones of every frame or (frame, slot) some of each."""
        frames = np.arange(self.num_frames)[:, None]
        chosen = np.broadcast_to(slots, (self.num_frames, slots.shape[-1]))
        return replace(
            self,
            points_world=self.points_world[frames, chosen],
            valid=self.valid[frames, chosen],
            flow_world=self.flow_world[:, frames, chosen],
            flow_valid=self.flow_valid[:, frames, chosen],
            pixels=self.pixels[frames, chosen],
            features=None if self.features is None else self.features[frames, chosen],
        )

    def flow_channels(self) -> Float[np.ndarray, "frame point channel"]:
        """Flow (3) and whether it was measured (1) at each baseline, side by side: how slot networks read flow."""
        channels = np.concatenate([self.flow_world, self.flow_valid[..., None]], axis=-1)
        return np.moveaxis(channels, 0, 2).reshape(self.num_frames, self.num_points, -1)
