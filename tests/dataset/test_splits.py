from sim2art.dataset.splits import (
    FAST_SEEDS,
    FIRST_TRAINING_SEED,
    NOVEL_SEEDS,
    REAL_MESH_RGBD_SEEDS,
    REAL_MESH_SEEDS,
    RGBD_SEEDS,
    VALIDATION_SEEDS,
)


def test_splits_share_no_seed():
    ranges = [VALIDATION_SEEDS, NOVEL_SEEDS, RGBD_SEEDS, REAL_MESH_SEEDS, REAL_MESH_RGBD_SEEDS, FAST_SEEDS]
    seeds = [seed for span in ranges for seed in span]
    assert len(seeds) == len(set(seeds)) == 788
    assert max(seeds) < FIRST_TRAINING_SEED
