"""Which seeds belong to which split. A seed and a config name one clip, so seeds that never meet keep splits apart."""

FIRST_TRAINING_SEED = 1_000_000
"""Training uses this seed and all above."""
VALIDATION_SEEDS = range(0, 200)
"""`procedural-val`: the training families, objects never trained on."""
NOVEL_SEEDS = range(200_000, 200_200)
"""`procedural-novel`: families never trained on."""
RGBD_SEEDS = range(300_000, 300_060)
"""`procedural-rgbd`: rendered recordings that go through the whole chain."""
