"""All frames of a recording, small: depth, colour without shading, and the camera of each."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, Int8, UInt8

from sim2art.geometry.rotations import rotation_from_rotvec, rotvec_from_rotation
from sim2art.geometry.transforms import inverse, make_transform
from sim2art.observation.rgbd_video import RgbdVideo

MAX_WIDTH = 320
"""px."""
_BLUR = 1.0
"""px: colours are compared where a part is placed to within about this."""
_SHADING = 8.0
"""px: lightness that changes more slowly than this is taken for shading, which turns with the surface."""


@dataclass(frozen=True, kw_only=True)
class FrameStack:
    """Frames in order of time. World is that of the estimate."""

    times: Float[np.ndarray, "frame"]
    """s."""
    depths: Float32[np.ndarray, "frame height width"]
    """m, 0 = none."""
    colors: Int8[np.ndarray, "frame height width 3"]
    """Lightness without shading, and the two chroma channels of CIELAB."""
    intrinsics: Float[np.ndarray, "3 3"]
    """px."""
    world_from_camera: Float[np.ndarray, "frame 4 4"]
    used: Int[np.ndarray, "used"]
    """Positions of the used frames."""

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.times)


def stack_frames(
    read: Callable[[int], tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "depth_height depth_width"]]],
    times: Float[np.ndarray, "frame"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    video: RgbdVideo,
    used: Int[np.ndarray, "used"],
) -> FrameStack:
    """Read all frames once.

    Args:
        read: Image and depth of a frame, at any size.
        world_from_camera: Camera of each frame, in the world of `video`.
        video: The used frames, whose corrected depth and cameras are taken.
        used: Their positions among all frames.
    """
    height, width = video.depths.shape[1:]
    factor = min(1.0, MAX_WIDTH / width)
    size = (round(width * factor), round(height * factor))
    depths = np.zeros((len(times), size[1], size[0]), np.float32)
    colors = np.zeros((*depths.shape, 3), np.int8)
    position = {int(frame): index for index, frame in enumerate(used)}
    for frame in range(len(times)):
        if frame in position:
            image, depth = video.images[position[frame]], video.depths[position[frame]]
        else:
            image, depth = read(frame)
        rows = ((np.arange(size[1]) + 0.5) * depth.shape[0] / size[1]).astype(int)
        columns = ((np.arange(size[0]) + 0.5) * depth.shape[1] / size[0]).astype(int)
        depths[frame] = depth[rows[:, None], columns[None]]
        colors[frame] = flat_colors(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    # What corrected the used frames' cameras is handed on to the frames between them.
    corrections = video.world_from_camera @ inverse(world_from_camera[used])
    poses = interpolate_poses(used, corrections, np.clip(np.arange(len(times)), used[0], used[-1])) @ world_from_camera
    scale = np.array(
        [[size[0] / width, 1.0, size[0] / width], [1.0, size[1] / height, size[1] / height], [1.0, 1.0, 1.0]]
    )
    intrinsics = video.intrinsics * scale
    # The middle of the first pixel is (0, 0) at both sizes.
    intrinsics[0, 2] += 0.5 * (size[0] / width - 1)
    intrinsics[1, 2] += 0.5 * (size[1] / height - 1)
    return FrameStack(
        times=np.asarray(times, np.float64), depths=depths, colors=colors, intrinsics=intrinsics,
        world_from_camera=poses, used=np.asarray(used, np.int64),
    )  # fmt: skip


def interpolate_poses(
    known: Int[np.ndarray, "known"], poses: Float[np.ndarray, "known 4 4"], wanted: Int[np.ndarray, "wanted"]
) -> Float[np.ndarray, "wanted 4 4"]:
    """Poses between those that are known: turned and shifted evenly.

    Args:
        known: Positions of the known ones, increasing.
        poses: Of those.
        wanted: Positions, not beyond the known ones.
    """
    right = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    left = np.where(known[right] == wanted, right, np.maximum(right - 1, 0))
    span = np.maximum(known[right] - known[left], 1)
    share = ((wanted - known[left]) / span)[:, None]
    a, b = poses[left], poses[right]
    turn = rotvec_from_rotation(np.swapaxes(a[:, :3, :3], 1, 2) @ b[:, :3, :3])
    rotation = a[:, :3, :3] @ rotation_from_rotvec(share * turn)
    return make_transform(rotation, (1 - share) * a[:, :3, 3] + share * b[:, :3, 3])


def flat_colors(image: UInt8[np.ndarray, "height width 3"]) -> Int8[np.ndarray, "height width 3"]:
    """CIELAB, smoothed, its lightness freed of what changes slowly over the image."""
    lab = cv2.cvtColor(np.asarray(image, np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), _BLUR)
    lab[..., 0] -= cv2.GaussianBlur(lab[..., 0], (0, 0), _SHADING)
    return np.clip(np.rint(lab), -127, 127).astype(np.int8)
