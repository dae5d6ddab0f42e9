"""The named sets: which clip is made of what."""

from collections import Counter

import pytest

from sim2art.assets.real_mesh import REAL_MESHES
from sim2art.cli.evaluation_sets import SEEDS, EvaluationSet
from sim2art.errors import InvalidValueError


@pytest.mark.parametrize("name", ["real-mesh", "real-mesh-rgbd", "real-mesh-rgb"])
def test_every_object_that_others_made_comes_equally_often(name: str) -> None:
    cases = EvaluationSet(name=name, num=len(SEEDS[name]))
    counts = Counter(cases.families(seed) for seed in cases.seeds)
    assert set(counts) == {(item,) for item in REAL_MESHES}
    assert len(set(counts.values())) == 1
    assert len(SEEDS["real-mesh"]) >= 200


def test_sets_of_recordings_are_the_ones_with_stages_to_swap() -> None:
    assert EvaluationSet(name="real-mesh-rgbd", num=1, swaps=("flow",)).is_recorded
    with pytest.raises(
        InvalidValueError,
        match=r"only 'procedural-rgbd' and 'procedural-fast' and 'real-mesh-rgbd'.*'real-mesh' has none",
    ):
        EvaluationSet(name="real-mesh", num=1, swaps=("flow",))


def test_the_colour_only_set_has_the_recordings_of_the_one_with_depth() -> None:
    colors, depths = EvaluationSet(name="real-mesh-rgb", num=5), EvaluationSet(name="real-mesh-rgbd", num=5)
    assert colors.is_recorded and colors.seeds == depths.seeds
    assert [colors.families(seed) for seed in colors.seeds] == [depths.families(seed) for seed in depths.seeds]
    with pytest.raises(InvalidValueError, match="'real-mesh-rgb' has none"):
        EvaluationSet(name="real-mesh-rgb", num=1, swaps=("depth",))
