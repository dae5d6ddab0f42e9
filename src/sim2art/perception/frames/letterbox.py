"""Black bars that a video player's format adds around the image: they show nothing, and what passes their edge seems to move."""

import numpy as np
from jaxtyping import Bool, UInt8

_BLACK = 24
"""Grey value that compression seldom lifts black above."""
_MIN_SHARE = 0.02
"""Of a side's length; narrower rims are left alone."""
_EDGE_SHARE = 0.017
"""Of a side's length, by which bars are grown: flow near their edge is theirs in part."""


def find_bars(grays: UInt8[np.ndarray, "frame height width"]) -> Bool[np.ndarray, "height width"]:
    """Pixels of rows and columns at the rim that are black in all frames; none where all is black."""
    brightest = grays.max(axis=0)
    rows, columns = _rim(brightest.max(axis=1) < _BLACK), _rim(brightest.max(axis=0) < _BLACK)
    bars = rows[:, None] | columns[None]
    return np.zeros_like(bars) if bars.all() else bars


def _rim(black: Bool[np.ndarray, "line"]) -> Bool[np.ndarray, "line"]:
    """Lines of wide black borders at both ends, grown."""
    rim = np.zeros_like(black)
    if black.all():
        return rim
    edge = round(_EDGE_SHARE * len(black))
    first, last = int(np.argmin(black)), int(np.argmin(black[::-1]))
    if first >= _MIN_SHARE * len(black):
        rim[: first + edge] = True
    if last >= _MIN_SHARE * len(black):
        rim[len(black) - last - edge :] = True
    return rim
