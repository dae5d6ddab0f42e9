"""The mask network: it starts as its prior, does not care for the order of points, and its sparse sums have gradients."""

import pytest
import torch

from sim2art.networks.mask_network import MaskNetwork, MaskNetworkConfig, link


def _graph(count: int = 40, each: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    neighbors = torch.randint(count, (count, each), generator=generator)
    return neighbors, torch.rand((2, count, each), generator=generator) / each


def _network() -> MaskNetwork:
    torch.manual_seed(0)
    network = MaskNetwork(MaskNetworkConfig(num_features=6, width=16, inner_width=4, num_blocks=2))
    torch.nn.init.normal_(network.head.weight)
    return network


def test_an_untrained_network_repeats_its_prior() -> None:
    features = torch.randn(40, 6)
    network = MaskNetwork(MaskNetworkConfig(num_features=6))
    assert torch.equal(network(features, link(*_graph()) * 2).masks, features[:, 0])


def test_links_sum_over_neighbours_and_gradients_flow_back_along_them() -> None:
    neighbors, weights = _graph()
    features = torch.randn(40, 6, requires_grad=True)
    network = _network()
    sparse = network(features, link(neighbors, weights, needs_gradient=True) * 2).masks
    (own,) = torch.autograd.grad(sparse.square().sum(), features)
    step = torch.randn(40, 6) * 1e-3
    with torch.no_grad():
        links = link(neighbors, weights) * 2
        change = (
            network(features + step, links).masks.square().sum() - network(features - step, links).masks.square().sum()
        )
    assert float(change) == pytest.approx(2 * float((own * step).sum()), rel=0.02)


def test_gradients_need_links_made_for_them() -> None:
    features = torch.randn(40, 6, requires_grad=True)
    with pytest.raises(AssertionError, match="needs_gradient"):
        _network()(features, link(*_graph()) * 2).masks.sum().backward()


def test_the_order_of_points_does_not_matter() -> None:
    (neighbors, weights), features = _graph(), torch.randn(40, 6)
    order = torch.randperm(40)
    place = torch.argsort(order)
    network = _network()
    with torch.no_grad():
        plain = network(features, link(neighbors, weights) * 2).masks
        mixed = network(features[order], link(place[neighbors[order]], weights[:, order]) * 2).masks
    torch.testing.assert_close(mixed, plain[order])


def test_what_is_not_linked_is_not_heard() -> None:
    (neighbors, weights), features = _graph(), torch.randn(40, 6)
    neighbors = torch.where(torch.arange(40)[:, None] < 20, neighbors % 20, 20 + neighbors % 20)
    network, other = _network(), features.clone()
    other[20:] += 1.0
    with torch.no_grad():
        links = link(neighbors, weights) * 2
        first, second = network(features, links).masks, network(other, links).masks
    assert torch.equal(first[:20], second[:20]) and not torch.allclose(first[20:], second[20:])
