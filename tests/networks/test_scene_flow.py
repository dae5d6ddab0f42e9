import dataclasses
import json

import numpy as np
import pytest
import torch

from sim2art.errors import InvalidFileError, SchemaError
from sim2art.networks.checkpoint_files import write_checkpoint
from sim2art.networks.scene_flow import GMSF_LIGHT, GMSF_PAPER, SceneFlowConfig, SceneFlowNetwork
from sim2art.networks.scene_flow_checkpoint import SCENE_FLOW_CHECKPOINT, load_scene_flow, translate_authors
from sim2art.networks.scene_flow_cues import NUM_CUES, measure_cues
from sim2art.networks.scene_flow_layers import Attention, EdgeConvolution, find_neighbors, gather

TINY = SceneFlowConfig(
    width=16, edge_widths=(8, 16), num_neighbors=6, local_neighbors=4, num_layers=2, expansion=1, local_expansion=1
)
TINY_LIGHT = dataclasses.replace(
    TINY,
    graph="space",
    norm="layer",
    place_bands=2,
    num_cues=NUM_CUES,
    has_heads=True,
    num_support=20,
    num_local_support=24,
)


def _network(config: SceneFlowConfig) -> SceneFlowNetwork:
    torch.manual_seed(0)
    return SceneFlowNetwork(config).eval()


def _clouds(first: int = 30, second: int = 30) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(2, count, 3, generator=generator) * 2 - 1 for count in (first, second)]


def _inputs(config: SceneFlowConfig, first: int = 30, second: int = 30) -> list[torch.Tensor]:
    clouds = _clouds(first, second)
    if not config.num_cues:
        return clouds
    pairs = [(clouds[0], clouds[1]), (clouds[1], clouds[0])]
    cues = [np.stack([measure_cues(a.numpy(), b.numpy()) for a, b in zip(*pair, strict=True)]) for pair in pairs]
    return [*clouds, *(torch.from_numpy(values) for values in cues)]


@pytest.mark.parametrize("config", [TINY, TINY_LIGHT])
def test_clouds_of_any_size_go_together(config: SceneFlowConfig) -> None:
    output = _network(config)(*_inputs(config, 40, 27))
    assert output.flow.shape == (2, 40, 3) and output.similarity.shape == (2, 40, 27)
    assert all(torch.isfinite(value).all() for value in output)


def test_order_of_points_does_not_matter_when_all_are_looked_at() -> None:
    network = _network(TINY)
    first, second = _clouds()
    order = torch.randperm(30, generator=torch.Generator().manual_seed(2))
    plain = network(first, second).flow
    torch.testing.assert_close(network(first[:, order], second).flow, plain[:, order], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(network(first, second[:, order]).flow, plain, atol=1e-5, rtol=1e-4)


def test_every_match_lies_inside_the_other_cloud() -> None:
    first, second = _clouds()
    ends = first + _network(TINY)(first, second).matched
    assert (ends <= second.amax(dim=1, keepdim=True)).all() and (ends >= second.amin(dim=1, keepdim=True)).all()


def test_a_point_taken_to_stand_still_does_not_flow() -> None:
    network = _network(TINY_LIGHT)
    with torch.no_grad():
        network.moves_head[-1].bias.fill_(-30.0)
    assert network(*_inputs(TINY_LIGHT)).flow.abs().max() < 1e-6


def test_edge_convolution_is_that_of_its_equation() -> None:
    torch.manual_seed(0)
    layer = EdgeConvolution(3, 5, "batch").eval()
    points = torch.rand(1, 12, 3)
    neighbors = find_neighbors(points, points, 4)
    near = gather(points, neighbors)
    center = points[:, :, None].expand_as(near)
    edges = layer.norm(torch.cat([near - center, center], dim=-1) @ layer.linear.weight.T)
    expected = torch.nn.functional.leaky_relu(edges, 0.2).amax(dim=2)
    torch.testing.assert_close(layer(points, neighbors, 12), expected)


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    layer = Attention(8, expansion=None)
    source, target = torch.rand(2, 5, 8), torch.rand(2, 7, 8)
    message = torch.nn.functional.scaled_dot_product_attention(
        layer.query(source), layer.key(target), layer.value(target)
    )
    torch.testing.assert_close(layer(source, target), source + layer.norm(layer.merge(message)))


def test_sizes_are_those_of_the_paper_and_the_light_one_is_small() -> None:
    assert (GMSF_PAPER.width, GMSF_PAPER.num_layers, GMSF_PAPER.num_neighbors) == (128, 10, 32)
    count = sum(value.numel() for value in SceneFlowNetwork(GMSF_LIGHT).parameters())
    assert 2 * count < 10e6  # Bytes in half precision.


def test_cues_tell_a_moved_surface_from_one_that_stands_still() -> None:
    rng = np.random.default_rng(0)
    wall, again = (np.c_[rng.uniform(-1, 1, (600, 2)), np.zeros(600)] for _ in range(2))
    still = measure_cues(wall, again)
    moved = measure_cues(wall + [0.0, 0.0, 0.2], again)
    assert np.median(still[:, 3]) < 1e-3
    np.testing.assert_allclose(np.median(moved[:, :3], axis=0), [0, 0, -0.2], atol=0.02)
    assert moved.shape == (600, NUM_CUES) and np.all(np.isfinite(moved))
    assert np.all(np.isfinite(measure_cues(wall[:3], wall[:1])))


def test_a_checkpoint_comes_back_as_it_was(tmp_path) -> None:
    network = _network(TINY_LIGHT)
    write_checkpoint(tmp_path, network, {"network": "scene_flow", "config": dataclasses.asdict(TINY_LIGHT)})
    loaded = load_scene_flow(tmp_path)
    assert loaded.config == TINY_LIGHT
    torch.testing.assert_close(
        loaded(*_inputs(TINY_LIGHT)).matched, network(*_inputs(TINY_LIGHT)).matched, atol=2e-2, rtol=0
    )


def test_wrong_checkpoints_are_refused_with_the_reason(tmp_path) -> None:
    write_checkpoint(tmp_path, _network(TINY), {"network": "scene_flow", "config": dataclasses.asdict(TINY)})
    config = json.loads((tmp_path / "config.json").read_text())

    def put(**changes: object) -> None:
        (tmp_path / "config.json").write_text(json.dumps({**config, **changes}))

    put(schema="sim2art.checkpoint/99")
    with pytest.raises(SchemaError, match="checkpoint/99"):
        load_scene_flow(tmp_path)
    put(sha256="0" * 64)
    with pytest.raises(InvalidFileError, match="sha256"):
        load_scene_flow(tmp_path)
    put(network="votes")
    with pytest.raises(InvalidFileError, match="sim2art train"):
        load_scene_flow(tmp_path)
    put(config={**config["config"], "width": 24})
    with pytest.raises(InvalidFileError, match="does not fit"):
        load_scene_flow(tmp_path)
    with pytest.raises(InvalidFileError, match="should hold both"):
        load_scene_flow(tmp_path / "nowhere")


def test_weights_in_the_layout_of_the_authors_are_read(tmp_path) -> None:
    network = _network(SceneFlowConfig(width=16, num_layers=2, expansion=2, local_expansion=3))
    path = tmp_path / "checkpoint_latest.pth"
    torch.save({"model": authors_layout(network), "step": 7}, path)
    loaded = load_scene_flow(path)
    assert (loaded.config.width, loaded.config.num_layers, loaded.config.expansion) == (16, 2, 2)
    first, second = _clouds(50, 40)
    torch.testing.assert_close(loaded(first, second).flow, network(first, second).flow)


def test_files_that_are_no_such_weights_are_refused(tmp_path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InvalidFileError, match="cannot be read as GMSF weights"):
        load_scene_flow(path)
    torch.save({"pointnet.conv1.weight": torch.zeros(3)}, path)
    with pytest.raises(InvalidFileError, match=r"pointnet\.conv1"):
        load_scene_flow(path)
    with pytest.raises(KeyError, match="mlp"):
        translate_authors({"mlp.conv1.weight": torch.zeros(1)})


def test_the_shipped_weights_load_and_are_small() -> None:
    network = load_scene_flow()
    assert network.config.has_heads and not network.training
    assert sum(path.stat().st_size for path in SCENE_FLOW_CHECKPOINT.iterdir()) < 10e6


def authors_layout(network: SceneFlowNetwork) -> dict[str, torch.Tensor]:
    """Weights under the names and in the shapes in which the authors' training writes them."""
    state, count = network.state_dict(), len(network.edges)
    parts = {"join.": f"DGCNN.conv{count + 1}.0.", "join_norm.norm.": f"DGCNN.conv{count + 1}.1."}
    for index in range(count):
        parts |= {
            f"edges.{index}.linear.": f"DGCNN.conv{index + 1}.0.",
            f"edges.{index}.norm.norm.": f"DGCNN.conv{index + 1}.1.",
        }
    local = {
        "enter": "fc1",
        "leave": "fc2",
        "offset": "fc_delta",
        "weigh": "fc_gamma",
        "query": "w_qs",
        "key": "w_ks",
        "value": "w_vs",
    }
    parts |= {f"local.{ours}.": f"transformer_PT.layers.0.{theirs}." for ours, theirs in local.items()}
    names = {
        "query": "q_proj",
        "key": "k_proj",
        "value": "v_proj",
        "merge": "merge",
        "norm": "norm1",
        "feed.3": "norm2",
        "feed": "mlp",
    }
    for index in range(network.config.num_layers):
        for ours, theirs in (("within", "self_attn"), ("across", "cross_attn_ffn")):
            parts |= {
                f"blocks.{index}.{ours}.{a}.": f"transformer.layers.{index}.{theirs}.{b}." for a, b in names.items()
            }
    parts |= {"smooth_query.": "feature_flow_attn.q_proj.", "smooth_key.": "feature_flow_attn.k_proj."}
    result: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        start = next(part for part in parts if name.startswith(part))
        theirs = parts[start] + name.removeprefix(start)
        is_convolution = theirs.startswith("DGCNN") and ".0." in theirs
        axes = (1, 1) if theirs.split(".")[1] != f"conv{count + 1}" else (1,)
        result[theirs] = value.view(*value.shape, *axes) if is_convolution else value
        if ".1." in theirs and theirs.startswith("DGCNN"):  # Each norm has two names there.
            result[theirs.replace("conv", "bn").replace(".1.", ".")] = value
    return result
