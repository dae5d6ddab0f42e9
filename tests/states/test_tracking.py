"""Tracked values stand in where a surface is not made out, as surely as they agreed elsewhere."""

import numpy as np

from sim2art.states.tracking import Tracked

TRUE = np.linspace(0.0, 1.0, 12)
TOLD = np.arange(12) >= 4
"""The panel is edge-on in the first four frames."""


def _stand_in(tracked: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    used = np.arange(0, 12, 1)
    flow = Tracked(used=used, values=tracked, shown=shown)
    return flow.stand_in(np.where(TOLD, TRUE, 0.5), np.where(TOLD, 0.01, 1e3), TOLD)


def test_flow_tells_what_the_surface_does_not_as_surely_as_both_agree_elsewhere() -> None:
    tracked = TRUE + 0.02 * (-1.0) ** np.arange(12)
    values, sigmas = _stand_in(tracked, np.ones(12, dtype=bool))
    np.testing.assert_allclose(values[:4], tracked[:4])
    np.testing.assert_allclose(sigmas[:4], 1.4826 * 0.02)
    np.testing.assert_array_equal(values[4:], TRUE[4:])  # What the surface tells is left alone.
    np.testing.assert_array_equal(sigmas[4:], 0.01)


def test_flow_that_went_astray_is_not_believed() -> None:
    _, sigmas = _stand_in(-TRUE, np.ones(12, dtype=bool))
    assert (sigmas[:4] > 1.0).all()


def test_a_frame_that_does_not_show_the_part_says_nothing() -> None:
    values, sigmas = _stand_in(TRUE, TOLD)
    assert (values[:4] == 0.5).all() and (sigmas[:4] == 1e3).all()
    only = np.zeros(12, dtype=bool)
    only[[0, 1, 4, 5, 6]] = True  # Three frames in common are too few to tell how far tracking errs.
    assert (_stand_in(TRUE, only)[1][:4] == 1e3).all()
