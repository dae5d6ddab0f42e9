"""The backbone's tensors are found in an ONNX file, whose bytes the test writes itself."""

from pathlib import Path

import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.features.dinov2_backbone import read_backbone


def _number(value: int) -> bytes:
    result = b""
    while value > 127:
        result, value = result + bytes([value & 127 | 128]), value >> 7
    return result + bytes([value])


def _field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    return _number(number << 3 | 2) + _number(len(value)) + value


def _tensor(name: str, values: np.ndarray) -> bytes:
    shape = b"".join(_field(1, side) for side in values.shape)
    return _field(5, shape + _field(2, 1) + _field(8, name.encode()) + _field(9, values.astype(np.float32).tobytes()))


def _node(kind: str, inputs: list[str], output: str) -> bytes:
    names = b"".join(_field(1, name.encode()) for name in inputs)
    return _field(1, names + _field(2, output.encode()) + _field(4, kind.encode()))


def _write(path: Path, *, has_positions: bool = True) -> Path:
    rng = np.random.default_rng(0)
    graph = _tensor("backbone.layernorm.weight", np.ones(6)) + _tensor("backbone.mlp.fc1.bias", np.zeros(5))
    graph += _tensor("onnx::MatMul_7", np.arange(30.0).reshape(6, 5))
    if has_positions:
        graph += _tensor("onnx::Reshape_3", np.full((1, 4, 6), 2.0)) + _tensor(
            "onnx::Concat_1", np.full((1, 1, 6), 1.0)
        )
    graph += _tensor("decoder.bias", rng.normal(size=3))
    graph += _node("MatMul", ["x", "onnx::MatMul_7"], "y") + _node("Add", ["backbone.mlp.fc1.bias", "y"], "z")
    path.write_bytes(_field(1, 8) + _field(7, graph))
    return path


def test_a_layers_matrix_is_known_by_its_bias_and_turned_as_torch_wants_it(tmp_path: Path) -> None:
    found = read_backbone(_write(tmp_path / "a.onnx"))
    assert set(found) == {"layernorm.weight", "mlp.fc1.bias", "mlp.fc1.weight", "embeddings.position_embeddings"}
    np.testing.assert_array_equal(found["mlp.fc1.weight"], np.arange(30.0).reshape(6, 5).T)


def test_the_class_tokens_position_comes_first(tmp_path: Path) -> None:
    places = read_backbone(_write(tmp_path / "a.onnx"))["embeddings.position_embeddings"]
    np.testing.assert_array_equal(places[0, :, 0], [1, 2, 2, 2, 2])


def test_files_that_are_no_such_network_are_refused(tmp_path: Path) -> None:
    whole = _write(tmp_path / "a.onnx").read_bytes()
    for content in (b"", b"not a network at all", whole[:100]):
        (tmp_path / "b.onnx").write_bytes(content)
        with pytest.raises(InvalidFileError, match="Delete it and fetch it again"):
            read_backbone(tmp_path / "b.onnx")
    with pytest.raises(InvalidFileError, match="fixed positions"):
        read_backbone(_write(tmp_path / "c.onnx", has_positions=False))
