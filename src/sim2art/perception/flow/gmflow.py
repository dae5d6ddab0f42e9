"""Optical flow by GMFlow (Xu et al., CVPR 2022; code and weights of the authors Apache-2.0): a `FlowMatcher`.

The network is our own code (`networks/gmflow.py`); weights are the authors' files, of the basic model or of the one that
refines its flow, read without executing anything in them. Images are grey in all three channels.
"""

import pickle
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from sim2art.errors import InvalidFileError
from sim2art.networks.gmflow import MULTIPLE, GMFlow
from sim2art.perception.features.torch_images import pick_device, to_input
from sim2art.perception.flow.dis import resize_flow

SIDE = 512
"""px of the longer side at which images are matched."""


class GmFlow:
    """Flow between any two of the images of a recording, both ways at once."""

    def __init__(self, network: GMFlow, grays: UInt8[np.ndarray, "frame height width"]) -> None:
        self._device = pick_device()
        self._network = network.to(self._device).eval()
        height, width = grays.shape[1:]
        scale = SIDE / max(height, width)
        self._size, self._small = (width, height), (_rounded(scale * width), _rounded(scale * height))
        with torch.inference_mode():
            self._features = [self._encode(gray) for gray in grays]

    def _encode(self, gray: UInt8[np.ndarray, "height width"]) -> Tensor:
        image = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
        return self._network.encode(to_input(image, self._small).to(self._device))

    def __call__(
        self, first: int, second: int
    ) -> tuple[Float32[np.ndarray, "height width 2"], Float32[np.ndarray, "height width 2"]]:
        """Where each pixel of the first image goes in the second, and the reverse, px."""
        with torch.inference_mode():
            both = self._network(self._features[first], self._features[second])
        there, back = (
            resize_flow(np.ascontiguousarray(flow[0].permute(1, 2, 0).float().cpu().numpy()), self._size)
            for flow in both
        )
        return there, back


def _rounded(side: float) -> int:
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)


def load_gmflow(path: Path) -> GMFlow:
    """The network with weights from a file in the authors' layout: a state dict, plain or under "model".

    Raises:
        InvalidFileError: When the file is missing, damaged, or of another network.
    """
    if not path.is_file():
        raise InvalidFileError(
            f"{path}: no such file. --flow gmflow:FILE wants weights such as gmflow_sintel.pth.", path=path
        )
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise InvalidFileError(f"{path} cannot be read as weights: {str(error).splitlines()[0]}", path=path) from error
    weights = loaded.get("model", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InvalidFileError(f"{path} holds no weights by name.", path=path)
    weights = {name.removeprefix("module."): value for name, value in weights.items()}
    weights = {name: value for name, value in weights.items() if not name.startswith("upsampler.")}
    network = GMFlow(refines="backbone.trident_conv.weight" in weights)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise InvalidFileError(
            f"{path} holds another network: {str(error).splitlines()[1].strip()}", path=path
        ) from error
    return network
