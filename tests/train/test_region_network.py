import numpy as np
from scipy import sparse

from sim2art.networks.region_inputs import region_log_odds
from sim2art.networks.region_network import NUM_FEATURES
from sim2art.train.region_examples import RegionExample
from sim2art.train.region_network import RegionTrainConfig, train_region_network


def draw_example(seed: int) -> RegionExample:
    """Two motions, of which the first is that of the one part: looks tell it."""
    rng = np.random.default_rng(seed)
    part = (rng.random(40) < 0.4).astype(int)
    features = rng.normal(scale=0.3, size=(40, 2, NUM_FEATURES)).astype(np.float32)
    features[part == 1, 0, 0] += 2
    links = sparse.random(40, 40, 0.1, random_state=rng, format="csr")
    return RegionExample(
        features=features, borders=links, ties=[links] * 3, looks=np.full(40, 5.0), areas=np.full(40, 100), part=part,
        purity=np.ones(40), is_of=np.array([[False, True], [False, False]]),
    )  # fmt: skip


def test_it_learns_which_regions_follow_which_motion(tmp_path) -> None:
    examples = []
    for seed in range(8):
        draw_example(seed).save(tmp_path / f"{seed}.npz")
        examples.append(RegionExample.load(tmp_path / f"{seed}.npz"))
    network = train_region_network(RegionTrainConfig(passes=25), examples)
    unseen = draw_example(99)
    odds = region_log_odds(unseen.inputs, network)
    assert np.mean((odds[:, 0] > 0) == (unseen.part == 1)) > 0.9
    assert np.mean(odds[:, 1] > 0) < 0.1
