"""Scene flow between the points of two frames by GMSF (Zhang et al., NeurIPS 2023), own code and weights, Apache-2.0.

A `FlowSource`: no image is looked at, so flat colour is no obstacle; only the depth of both frames is. Points of both are
given in the world's axes, brought to about [-1, 1] together. The other frame's points are drawn from its object mask.
Weights of the authors (by a path of the user's) know another space instead: the image plane of the camera with the log of
depth, on a grid 32 times coarser than the image.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.networks.scene_flow import SceneFlowNetwork
from sim2art.networks.scene_flow_checkpoint import load_scene_flow
from sim2art.networks.scene_flow_cues import measure_cues
from sim2art.observation.normalization import normalize_box
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.observation.sampling import sample_pixels
from sim2art.perception.features.torch_images import on_all_cores, pick_device
from sim2art.perception.flow.piecewise_rigid import fit_piecewise_rigid

_MIN_POINTS = 32
_RETURN = 0.03
_RETURN_SHARE = 0.1
"""Flow of a network without a head for trust must come back to within this (normalised) and this share of its length."""
_COARSER = 32
"""Image pixels a unit of the authors' space."""


class GmsfFlow:
    """Flow from the points of a frame to those of another, by a network."""

    def __init__(
        self,
        network: SceneFlowNetwork,
        video: RgbdVideo,
        *,
        seed: int = 0,
        num_points: int = 2048,
        make_rigid: bool = True,
    ) -> None:
        """Make the source for a video.

        Args:
            network: See `load_scene_flow`.
            video: Whose frames the flow is between.
            seed: Of the points drawn in the frames that flow goes to, and of the order of points.
            num_points: Drawn in each such frame.
            make_rigid: Whether the flow is fitted to the other frame's surface as that of a few rigid bodies.
        """
        self._network = network.to(pick_device())
        self._video, self._seed, self._num_points, self._make_rigid = video, seed, num_points, make_rigid
        self._drawn: dict[int, np.ndarray] = {}

    def __call__(
        self, frame: int, baseline: int, pixels: Int[np.ndarray, "point 2"], points_world: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        """Flow (world frame, m) of pixels from `frame` to `frame + baseline`, and whether it can be trusted."""
        del pixels  # The points tell enough.
        others = self._points_of(frame + baseline)
        if min(len(points_world), len(others)) < _MIN_POINTS:
            return np.zeros_like(points_world), np.zeros(len(points_world), dtype=bool)
        # The network takes the first points of a cloud for a fair sample of it.
        order = np.random.default_rng((self._seed, frame, baseline)).permutation(len(points_world))
        back = np.argsort(order)
        flow, trusted = self._estimate(points_world[order], others, frame)
        flow, trusted = flow[back], trusted[back]
        if self._make_rigid:
            scale = normalize_box(np.concatenate([points_world, others])).scale
            rng = np.random.default_rng((self._seed, frame, baseline, 1))
            flow, trusted = fit_piecewise_rigid(points_world, others, flow, scale=scale, rng=rng)
        return np.where(trusted[:, None], flow, 0.0), trusted

    def _points_of(self, frame: int) -> Float[np.ndarray, "point 3"]:
        """Points of a frame's object, world frame, m, in random order."""
        if frame not in self._drawn:
            video, rng = self._video, np.random.default_rng((self._seed, frame))
            pixels = sample_pixels(video.object_masks[frame] & (video.depths[frame] > 0), self._num_points, rng)
            pixels = rng.permutation(pixels)
            depths = video.depths[frame][pixels[:, 1], pixels[:, 0]].astype(np.float64)
            points = unproject(video.intrinsics, pixels.astype(np.float64), depths)
            self._drawn[frame] = apply(video.world_from_camera[frame], points)
        return self._drawn[frame]

    def _estimate(
        self, points: Float[np.ndarray, "point 3"], others: Float[np.ndarray, "other 3"], frame: int
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        if self._network.config.has_heads:
            return estimate_flow(self._network, points, others)
        height, width = self._video.depths.shape[1:]
        world_from_camera = self._video.world_from_camera[frame]
        camera_from_world = inverse(world_from_camera)
        grid = _LogDepthGrid(self._video.intrinsics, width, height)
        start, target = (grid.enter(apply(camera_from_world, cloud)) for cloud in (points, others))
        there, came_back = estimate_flow_both_ways(self._network, start, target)
        moved = apply(world_from_camera, grid.leave(start + there))
        return moved - points, came_back


def load_gmsf(source: str | None, video: RgbdVideo, *, seed: int, num_points: int, make_rigid: bool = True) -> GmsfFlow:
    """The flow source of a video, by the shipped weights or a user's checkpoint folder or file.

    Raises:
        InvalidFileError: When the weights are missing, damaged or of another kind.
        SchemaError: When another version wrote them.
    """
    network = load_scene_flow(None if source is None else Path(source).expanduser())
    return GmsfFlow(network, video, seed=seed, num_points=num_points, make_rigid=make_rigid)


@on_all_cores()
@torch.inference_mode()
def estimate_flow(
    network: SceneFlowNetwork, points: Float[np.ndarray, "point 3"], others: Float[np.ndarray, "other 3"]
) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
    """Flow (m) from one cloud (m, random order) to another by a network with heads, and whether it can be trusted."""
    normalization = normalize_box(np.concatenate([points, others]))
    first, second = normalization.apply(points), normalization.apply(others)
    cues = (measure_cues(first, second), measure_cues(second, first)) if network.config.num_cues else ()
    output = network(*(_to_tensor(values, network) for values in (first, second, *cues)))
    flow = output.flow[0].cpu().numpy().astype(np.float64) * normalization.scale
    return flow, (output.trusted[0] > 0).cpu().numpy()


@on_all_cores()
@torch.inference_mode()
def estimate_flow_both_ways(
    network: SceneFlowNetwork, start: Float[np.ndarray, "point 3"], target: Float[np.ndarray, "other 3"]
) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
    """Flow in the network's own space, and whether the flow of the nearest point there leads back to the start."""
    first, second = _to_tensor(start, network), _to_tensor(target, network)
    there, back = network(first, second).flow, network(second, first).flow
    landed = torch.cdist(first + there, second).argmin(dim=-1)[0]
    off = torch.linalg.norm(there[0] + back[0, landed], dim=-1)
    scale = normalize_box(np.concatenate([start, target])).scale
    came_back = off < _RETURN * scale + _RETURN_SHARE * torch.linalg.norm(there[0], dim=-1)
    return there[0].cpu().numpy().astype(np.float64), came_back.cpu().numpy()


def _to_tensor(
    values: Float[np.ndarray, "point channel"], network: SceneFlowNetwork
) -> Float[torch.Tensor, "1 point channel"]:
    device = next(network.parameters()).device
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None].to(device)


class _LogDepthGrid:
    """The space of the authors' weights: image plane and log of depth, in units of coarse pixels from the middle."""

    def __init__(self, intrinsics: Float[np.ndarray, "3 3"], width: int, height: int) -> None:
        coarse = np.array([max(width // _COARSER, 2), max(height // _COARSER, 2)], dtype=np.float64)
        self._scale = (coarse - 1) / (np.array([width, height]) - 1)
        self._middle = (coarse - 1) / 2
        self._focal, self._center = intrinsics[0, 0], intrinsics[:2, 2]

    def enter(self, points_camera: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Camera-frame points (m, in front of the camera) in that space."""
        depth = np.maximum(points_camera[:, 2:], 1e-3)
        plane = (self._center + self._focal * points_camera[:, :2] / depth) * self._scale - self._middle
        return np.concatenate([plane, (self._focal * np.log(depth) + 1) * self._scale.min()], axis=1)

    def leave(self, places: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Back to camera-frame points, m."""
        depth = np.exp((places[:, 2:] / self._scale.min() - 1) / self._focal)
        plane = (places[:, :2] + self._middle) / self._scale
        return np.concatenate([(plane - self._center) * depth / self._focal, depth], axis=1)
