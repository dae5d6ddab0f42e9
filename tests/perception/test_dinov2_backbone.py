"""The backbone's tensors are found in an ONNX file."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.features.dinov2_backbone import read_backbone


def _write(path: Path, *, has_positions: bool = True) -> Path:
    tensors = {
        "backbone.layernorm.weight": np.ones(6),
        "backbone.mlp.fc1.bias": np.zeros(5),
        "onnx::MatMul_7": np.arange(30.0).reshape(6, 5),
        "decoder.bias": np.zeros(3),
    }
    if has_positions:
        tensors |= {"onnx::Reshape_3": np.full((1, 4, 6), 2.0), "onnx::Concat_1": np.full((1, 1, 6), 1.0)}
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "onnx::MatMul_7"], ["y"]),
        onnx.helper.make_node("Add", ["backbone.mlp.fc1.bias", "y"], ["z"]),
    ]
    kept = [onnx.numpy_helper.from_array(values.astype(np.float32), name) for name, values in tensors.items()]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], [], kept)), path)
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
