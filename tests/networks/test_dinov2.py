"""Our plain DINOv2 is the model of the hub."""

import pytest
import torch

from sim2art.networks.dinov2 import Dinov2, Dinov2Config

CONFIG = Dinov2Config(width=24, num_layers=3, num_heads=2, grid=4)
_HUB_NAMES = {
    "attention.attention.query": "attention.q_proj",
    "attention.attention.key": "attention.k_proj",
    "attention.attention.value": "attention.v_proj",
    "attention.output.dense": "attention.o_proj",
}


def test_it_computes_what_the_hubs_model_does_at_any_size() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    hub = transformers.Dinov2Model(
        transformers.Dinov2Config(
            hidden_size=24, num_hidden_layers=3, num_attention_heads=2, image_size=56, patch_size=14
        )
    ).eval()  # fmt: skip
    network = Dinov2(CONFIG).eval()
    weights = hub.state_dict()
    renamed = {}
    for name in network.state_dict():
        there = name
        for ours, theirs in _HUB_NAMES.items():
            there = there.replace(ours, theirs)
        renamed[name] = weights[there if there in weights else name]
    network.load_state_dict(renamed)
    for size in ((56, 56), (42, 84)):
        images = torch.randn(2, 3, *size)
        with torch.inference_mode():
            expected = hub(pixel_values=images).last_hidden_state
            torch.testing.assert_close(network(images, (0, 2))[1], expected, rtol=1e-4, atol=1e-5)


def test_tokens_of_each_layer_asked_for_come_in_order() -> None:
    found = Dinov2(CONFIG)(torch.randn(2, 3, 28, 42), (0, 1, 2))
    assert [tuple(tokens.shape) for tokens in found] == [(2, 1 + 2 * 3, 24)] * 3
    assert not torch.allclose(found[0], found[2])
