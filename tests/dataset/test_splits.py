import pytest

from sim2art.dataset.splits import (
    FIRST_TRAINING_SEED,
    NOVEL_SEEDS,
    RGBD_SEEDS,
    VALIDATION_SEEDS,
    check_training_seeds,
)
from sim2art.errors import InvalidValueError


def test_splits_share_no_seed():
    ranges = [VALIDATION_SEEDS, NOVEL_SEEDS, RGBD_SEEDS]
    seeds = [seed for span in ranges for seed in span]
    assert len(seeds) == len(set(seeds)) == 460
    assert max(seeds) < FIRST_TRAINING_SEED


def test_training_on_evaluation_seeds_is_refused():
    check_training_seeds(range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + 10))
    with pytest.raises(InvalidValueError, match="kept for evaluation"):
        check_training_seeds(range(199, 300))
