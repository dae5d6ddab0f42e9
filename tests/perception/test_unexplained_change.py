"""What the camera's motion does not bring is told from two frames without flow."""

import numpy as np

from sim2art.perception.frames.unexplained_change import find_change

HEIGHT, WIDTH = 60, 80


def _wall() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(90, 160, (HEIGHT, WIDTH)).astype(np.uint8), np.full((HEIGHT, WIDTH), 2.0, np.float32)


def _with_board(left: int) -> tuple[np.ndarray, np.ndarray]:
    gray, depth = _wall()
    gray[20:40, left : left + 16], depth[20:40, left : left + 16] = 230, 1.6
    return gray, depth


def _change(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray], *, guessed: bool = False) -> np.ndarray:
    """With a camera that stands still."""
    still = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    return find_change((a[0], b[0]), b[1], still, a[1], a[1] > 0, depth_is_guessed=guessed)


def test_nothing_changes_where_nothing_moves() -> None:
    assert not _change(_wall(), _wall()).any()


def test_a_place_that_is_seen_through_has_changed_and_one_that_is_covered_has_not() -> None:
    found = _change(_with_board(10), _with_board(40))
    assert found[22:38, 12:24].all()
    assert not found[:, 60:].any()
    assert not found[22:38, 42:54].any()


def test_a_flicker_of_all_depth_and_light_is_no_change() -> None:
    gray, depth = _wall()
    brighter = np.clip(gray.astype(int) + 25, 0, 255).astype(np.uint8)
    assert not _change((gray, depth), (brighter, 1.02 * depth)).any()


def test_guessed_depth_tells_nothing_but_colour_does() -> None:
    gray, depth = _wall()
    farther = depth.copy()
    farther[20:40, 20:40] = 3.0
    assert _change((gray, depth), (gray, farther)).any()
    assert not _change((gray, depth), (gray, farther), guessed=True).any()
    assert _change(_with_board(10), _with_board(40), guessed=True)[22:38, 12:24].all()
