import pytest
import torch

from sim2art.networks.point_encoder import EncoderConfig, sample_farthest
from sim2art.networks.slot_network import READ_CHANNELS, SlotConfig, SlotNetwork, read_flow


@pytest.fixture(params=["pooled", "queries"])
def network(request):
    torch.manual_seed(0)
    encoder = EncoderConfig(num_features=READ_CHANNELS, width=16, num_anchors=8, num_neighbors=6, depth=1, num_heads=2)
    return SlotNetwork(SlotConfig(encoder=encoder, num_slots=5, slots=request.param)).eval()


def _inputs(frames=3, points=30):
    generator = torch.Generator().manual_seed(1)
    return (
        torch.rand(2, frames, points, 3, generator=generator) * 2 - 1,
        torch.randn(2, frames, points, 4, generator=generator),
        torch.rand(2, frames, points, generator=generator) > 0.1,
    )


def test_permuting_points_permutes_masks_and_changes_nothing_else(network):
    points, features, valid = _inputs()
    order = torch.randperm(30, generator=torch.Generator().manual_seed(2))
    plain = network(points, features, valid)
    shuffled = network(points[:, :, order], features[:, :, order], valid[:, :, order])
    torch.testing.assert_close(shuffled.masks, plain.masks[..., order], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(shuffled.axes, plain.axes, atol=1e-4, rtol=1e-4)


def test_axes_are_unit_and_motion_starts_at_zero(network):
    output = network(*_inputs())
    torch.testing.assert_close(output.axes.norm(dim=-1), torch.ones(2, 5))
    assert torch.all(output.motions[:, 0] == 0)


def test_any_number_of_frames_and_points_works(network):
    for frames, points in ((2, 8), (6, 64)):
        output = network(*_inputs(frames, points))
        assert output.masks.shape == (2, 5, frames, points)
        assert all(torch.isfinite(value).all() for value in (*output[:6], *output.votes))


def test_farthest_points_are_valid_and_spread():
    points = torch.tensor([[[0.0, 0, 0], [0.1, 0, 0], [5, 0, 0], [9, 9, 9]]])
    valid = torch.tensor([[True, True, True, False]])
    chosen = sample_farthest(points, valid, 2)[0].tolist()
    assert 2 in chosen
    assert 3 not in chosen


def test_masks_of_points_that_the_encoder_did_not_see_are_those_of_the_same_places(network):
    points, features, valid = _inputs()
    plain = network(points, features, valid)
    asked = network(points, features, valid, asked=(points[:, :, 5:], features[:, :, 5:]))
    torch.testing.assert_close(asked.masks, plain.masks[..., 5:], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(asked.axes, plain.axes)


def test_points_that_do_not_count_change_nothing(network):
    points, features, valid = _inputs()
    plain = network(points, features, valid)
    changed = network(torch.where(valid[..., None], points, 9.0), features, valid)
    torch.testing.assert_close(changed.axes, plain.axes)
    torch.testing.assert_close(changed.motions, plain.motions)


def test_small_motions_are_read_with_their_direction():
    flow = torch.tensor([[0.003, 0.0, 0.0, 1.0], [0.0, 0.3, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    read = read_flow(flow, (1,))
    assert read.shape == (3, READ_CHANNELS)
    assert read[0, 3] > 0.2  # Seen, though a hundredth of the other.
    assert 1 < read[1, 4] / read[0, 3] < 20
    assert torch.all(read[2] == 0)
