"""U2-NetP salient object masks (Qin et al., "U2-Net", Pattern Recognition 2020; Apache-2.0), run by onnxruntime.

Input: RGB scaled to 320x320, divided by its maximum, normalised by the ImageNet mean and deviation, channels first.
Output: the first of seven maps, stretched to 0..1.
"""

from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from sim2art.optional import require
from sim2art.weights import require_weight

_SIZE = 320
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


class U2NetP:
    """Finds the object of interest in single images."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            InvalidFileError: When its weight file is not at hand.
        """
        path = require_weight("u2netp")
        runtime: Any = require("onnxruntime", extra="mask")
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def __call__(self, image: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width"]:
        """Probability, 0..1, that a pixel belongs to the salient object."""
        small = cv2.resize(image, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)
        scaled = (small / max(float(small.max()), 1e-6) - _MEAN) / _STD
        found = self._session.run(None, {self._input: scaled.transpose(2, 0, 1)[None]})[0][0, 0]
        low, high = float(found.min()), float(found.max())
        stretched = (found - low) / max(high - low, 1e-6)
        return cv2.resize(stretched, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
