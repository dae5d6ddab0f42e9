"""GMFlow: sizes, matching, windows and the handing on of flow."""

import pytest
import torch

from sim2art.networks.gmflow import (
    MULTIPLE,
    SCALE,
    WIDTH,
    GMFlow,
    _apart,
    _from_windows,
    _match,
    _positions,
    _to_windows,
)

UPSAMPLER = (2 + WIDTH) * 9 * 256 + 256 + 257 * 9 * SCALE**2
"""Parameters of the authors' enlargement, which is left out."""


@pytest.mark.parametrize(
    ("refines", "count"), [(False, 4_680_288 - UPSAMPLER), (True, 4_680_288 - UPSAMPLER + 9 * WIDTH**2)]
)
def test_parameters_are_those_of_the_published_network(refines: bool, count: int) -> None:
    network = GMFlow(refines=refines)
    names = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert sum(value.numel() for value in network.parameters()) == count
    assert names["backbone.layer2.0.downsample.0.bias"] == (96,)
    assert names["transformer.layers.5.cross_attn_ffn.mlp.0.weight"] == (8 * WIDTH, 2 * WIDTH)
    assert "transformer.layers.0.self_attn.mlp.0.weight" not in names
    assert names["feature_flow_attn.q_proj.bias"] == (WIDTH,)
    assert ("backbone.trident_conv.weight" in names) is refines
    assert not any("norm" in name and name.startswith("backbone") for name in names)


@pytest.mark.parametrize("refines", [False, True])
def test_flow_has_the_size_of_the_images(refines: bool) -> None:
    torch.manual_seed(0)
    network = GMFlow(refines=refines).eval()
    images = torch.randn(2, 3, 2 * MULTIPLE, 3 * MULTIPLE)
    with torch.inference_mode():
        features = network.encode(images)
        there, back = network(features, features.flip(0))
    assert features.shape == (2, WIDTH, 2 * MULTIPLE // SCALE, 3 * MULTIPLE // SCALE)
    assert there.shape == back.shape == (2, 2, 2 * MULTIPLE, 3 * MULTIPLE)
    assert torch.isfinite(there).all()
    torch.testing.assert_close(there, back.flip(0), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (0, 2), (2, 1)])
def test_features_that_move_are_matched_where_they_went(right: int, down: int) -> None:
    torch.manual_seed(0)
    features = 30 * torch.nn.functional.normalize(torch.randn(1, WIDTH, 10, 12), dim=1)
    flow = _match(features, torch.roll(features, (down, right), dims=(2, 3)))
    inner = flow[:, :, : 10 - down, : 12 - right]
    torch.testing.assert_close(
        inner, torch.tensor([right, down]).view(1, 2, 1, 1).expand_as(inner).float(), atol=1e-2, rtol=0
    )


def test_windows_come_back_as_they_were() -> None:
    x = torch.arange(2 * 8 * 12 * 3, dtype=torch.float32).view(2, 8, 12, 3)
    windows = _to_windows(x)
    assert windows.shape == (8, 24, 3)
    torch.testing.assert_close(windows[0, :, 0], x[0, :4, :6, 0].flatten())
    torch.testing.assert_close(_from_windows(windows, 8, 12), x)


def test_in_shifted_windows_only_neighbours_meet() -> None:
    rows, columns, shift = 8, 12, (2, 3)
    places = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), dim=2).float()
    rolled = _to_windows(torch.roll(places[None], (-shift[0], -shift[1]), dims=(1, 2)))
    meets = _apart(rows, columns, shift) == 0
    far = (rolled[:, :, None] - rolled[:, None]).abs().amax(dim=-1)
    assert far[meets].max() < 6
    assert meets[0].all()  # The first window holds what lay side by side before.
    assert not meets[3].all()


def test_every_window_has_the_same_positions() -> None:
    features = torch.zeros(1, WIDTH, 6, 8)
    positions = _positions(features)
    assert positions.shape == (WIDTH, 6, 8)
    torch.testing.assert_close(positions[:, :3, :4], positions[:, 3:, 4:])
    assert positions[:, :3, :4].flatten(1).unique(dim=1).shape[1] == 12
