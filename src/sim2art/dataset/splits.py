"""Which seeds belong to which split. A seed and a config name one clip, so seeds that never meet keep splits apart."""

from sim2art.errors import InvalidValueError

FIRST_TRAINING_SEED = 1_000_000
"""Training uses this seed and all above."""
VALIDATION_SEEDS = range(0, 200)
"""`procedural-val`: the training families, objects never trained on."""
NOVEL_SEEDS = range(200_000, 200_200)
"""`procedural-novel`: families never trained on."""
RGBD_SEEDS = range(300_000, 300_060)
"""`procedural-rgbd`: rendered recordings that go through the whole chain."""


def check_training_seeds(seeds: range) -> None:
    """Refuse seeds that evaluation uses.

    Raises:
        InvalidValueError: When a seed lies below `FIRST_TRAINING_SEED`.
    """
    if len(seeds) and min(seeds[0], seeds[-1]) < FIRST_TRAINING_SEED:
        raise InvalidValueError(
            f"Training seeds must be {FIRST_TRAINING_SEED} or above, since lower ones are kept for evaluation; "
            f"found {min(seeds[0], seeds[-1])}."
        )
