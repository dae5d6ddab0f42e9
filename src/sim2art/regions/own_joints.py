"""Which measured joints are joints of their own, by what each explains of the images beyond the others.

Hands, shadows and pieces of one part are measured as motions, too. They line up what a better joint lines up as well.
"""

import numpy as np
from jaxtyping import Float

MIN_SHARE = 0.15
"""Of what the first joint explains, that another must: hands and shadows that move beside a part are explained by some joint, too."""
MIN_OWN = 0.5
"""Share of what a joint explains that none before it may explain: of a joint of its own that is most."""


def own_joints(advantages: list[list[Float[np.ndarray, "_"]]]) -> list[int]:
    """Places of the joints that explain something of their own; of two that explain the same that which comes first.

    Args:
        advantages: Of each joint, that for which most speaks first, log odds of the regions of each source frame.
    """
    every = np.maximum([np.concatenate(own) for own in advantages], 0.0)
    explained, kept = every[0], [0]
    for k, own in enumerate(every[1:], start=1):
        beyond = float(np.maximum(own - explained, 0.0).sum())
        if beyond > max(MIN_SHARE * every[0].sum(), MIN_OWN * own.sum()):
            kept.append(k)
            explained = np.maximum(explained, own)
    return kept
