"""Which seeds belong to which split. A seed and a config name one clip, so seeds that never meet keep splits apart."""

FIRST_TRAINING_SEED = 1_000_000
"""Training uses this seed and all above."""
VALIDATION_SEEDS = range(0, 200)
"""`procedural-val`: the training families, objects never trained on."""
NOVEL_SEEDS = range(200_000, 200_200)
"""`procedural-novel`: families never trained on."""
RGBD_SEEDS = range(300_000, 300_060)
"""`procedural-rgbd`: rendered recordings that go through the whole chain."""
REAL_MESH_SEEDS = range(400_000, 400_216)
"""`real-mesh`: each of 18 objects that others made, 12 times."""
REAL_MESH_RGBD_SEEDS = range(500_000, 500_072)
"""`real-mesh-rgbd`: rendered recordings of the same objects, 4 of each."""
FAST_SEEDS = range(600_000, 600_040)
"""`procedural-fast`: rendered recordings of quick motions, 10 frames a second, truth of every frame."""
