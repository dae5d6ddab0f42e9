import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from sim2art.errors import InvalidFileError
from sim2art.networks import CHECKPOINTS
from sim2art.networks.region_inputs import RegionInputs, region_inputs, region_log_odds
from sim2art.networks.region_network import NUM_FEATURES, RegionNetwork, RegionNetworkConfig
from sim2art.networks.region_network_files import load_region_network, save_region_network


def draw_inputs(seed: int, num_regions: int, num_motions: int) -> RegionInputs:
    rng = np.random.default_rng(seed)

    def draw_links() -> sparse.csr_matrix:
        one = sparse.random(num_regions, num_regions, 0.2, random_state=rng, format="csr")
        return (one + one.T).tocsr()

    features = rng.normal(size=(num_regions, num_motions, NUM_FEATURES)).astype(np.float32)
    return region_inputs(
        features, draw_links(), [draw_links() for _ in range(num_motions + 1)], rng.uniform(1, 25, num_regions)
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), num_regions=st.integers(2, 30), num_motions=st.integers(1, 4))
def test_the_order_of_motions_and_regions_does_not_matter(seed: int, num_regions: int, num_motions: int) -> None:
    inputs = draw_inputs(seed, num_regions, num_motions)
    odds = region_log_odds(inputs)
    assert odds.shape == (num_regions, num_motions) and np.isfinite(odds).all()
    motions = np.random.default_rng(seed).permutation(num_motions)
    np.testing.assert_allclose(region_log_odds(inputs.of_motions(motions.tolist())), odds[:, motions], atol=1e-4)
    regions = torch.from_numpy(np.random.default_rng(seed).permutation(num_regions))

    def reorder(links: torch.Tensor) -> torch.Tensor:
        return links.to_dense()[regions][:, regions].to_sparse_coo()

    other = RegionInputs(
        features=inputs.features[regions], borders=reorder(inputs.borders), lengths=inputs.lengths[regions],
        ties=[reorder(tie) for tie in inputs.ties],
    )  # fmt: skip
    np.testing.assert_allclose(region_log_odds(other), odds[regions.numpy()], atol=1e-4)


def test_looks_and_flow_that_speak_for_a_motion_are_believed() -> None:
    inputs = draw_inputs(0, 40, 1)
    against, speaks = inputs.features.clone(), inputs.features.clone()
    against[..., :5], speaks[..., :5] = -1, torch.tensor([0.5, 0.5, 0.5, 1.0, 3.0])
    speaks[..., 5], speaks[..., 13] = 1, 0.9
    odds = [np.median(region_log_odds(inputs._replace(features=one))) for one in (against, speaks)]
    assert odds[0] < 0 < odds[1]


def test_weights_come_back_as_they_were_written(tmp_path) -> None:
    network = RegionNetwork(RegionNetworkConfig(width=8, rounds=2))
    save_region_network(tmp_path / "one", network)
    inputs = draw_inputs(1, 12, 2)
    np.testing.assert_allclose(
        region_log_odds(inputs, load_region_network(tmp_path / "one")),
        region_log_odds(inputs, network.eval()),
        atol=0.02,
    )
    with pytest.raises(InvalidFileError, match="region_network"):
        load_region_network(CHECKPOINTS / "depth_head")
