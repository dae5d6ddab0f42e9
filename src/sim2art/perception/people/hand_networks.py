"""Palm detector and hand landmarks of MediaPipe (Zhang et al., arXiv 2006.10214; Apache-2.0), run by OpenCV.

Input: RGB, 0..1, channels first; 192x192 px for palms, 224x224 px for a hand with its fingers up. Output for palms:
18 offsets (px) and a logit for each of 2,016 anchors. For a hand: 21 points with x, y (px of the crop) and a relative
depth, a presence 0..1, right-handedness 0..1, and the points in metres, which are not used.
"""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from sim2art.weights import find_weight, require_weight

WEIGHTS = ("palm-detection", "hand-landmarks")


class HandNetworks:
    """Both networks."""

    def __init__(self, palms: Path, landmarks: Path) -> None:
        # OpenCV's newer engine cannot be asked for several outputs by name.
        self._palms = cv2.dnn.readNetFromTFLite(str(palms), engine=cv2.dnn.ENGINE_CLASSIC)
        self._landmarks = cv2.dnn.readNetFromTFLite(str(landmarks), engine=cv2.dnn.ENGINE_CLASSIC)

    def detect(
        self, image: UInt8[np.ndarray, "192 192 3"]
    ) -> tuple[Float32[np.ndarray, "2016 18"], Float32[np.ndarray, "2016"]]:
        """Offsets (px) and logits of all anchors."""
        self._palms.setInput(_as_input(image))
        offsets, logits = self._palms.forward(["Identity", "Identity_1"])
        return offsets[0], logits[0, :, 0]

    def locate(self, crop: UInt8[np.ndarray, "224 224 3"]) -> tuple[Float32[np.ndarray, "21 2"], float]:
        """Landmarks (px of the crop), and how surely there is a hand, 0..1."""
        self._landmarks.setInput(_as_input(crop))
        points, presence = self._landmarks.forward(["Identity", "Identity_1"])
        return points.reshape(21, 3)[:, :2], float(presence.item())


def load_hand_networks(*, required: bool = False) -> HandNetworks | None:
    """The networks, or None when their files are not at hand and they are not required."""
    look = require_weight if required else find_weight
    palms, landmarks = (look(name) for name in WEIGHTS)
    return None if palms is None or landmarks is None else HandNetworks(palms, landmarks)


def _as_input(image: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "1 3 height width"]:
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None].astype(np.float32) / 255.0)
