"""The named sets: which clip is made of what."""

from collections import Counter

import pytest

from sim2art.assets.real_mesh import REAL_MESHES
from sim2art.dataset.splits import HalfName
from sim2art.errors import InvalidValueError
from sim2art.sets.evaluation_sets import HALVES, EvaluationSet, SetName


@pytest.mark.parametrize("half", ["tune", "sealed"])
@pytest.mark.parametrize("name", ["real-mesh", "real-mesh-rgbd", "real-mesh-rgb"])
def test_every_object_that_others_made_comes_equally_often(name: SetName, half: HalfName) -> None:
    cases = EvaluationSet.choose(name, half)
    counts = Counter(cases.families(seed) for seed in cases.seeds)
    assert set(counts) == {(item,) for item in REAL_MESHES}
    assert len(set(counts.values())) == 1
    assert name != "real-mesh" or len(cases.seeds) >= 200


def test_sets_of_recordings_are_the_ones_with_stages_to_swap() -> None:
    assert EvaluationSet.choose("real-mesh-rgbd", num=1, swaps=("flow",)).is_recorded
    with pytest.raises(
        InvalidValueError,
        match=r"only 'procedural-rgbd' and 'procedural-fast' and 'real-mesh-rgbd'.*'real-mesh' has none",
    ):
        EvaluationSet.choose("real-mesh", num=1, swaps=("flow",))


def test_the_colour_only_set_has_the_recordings_of_the_one_with_depth() -> None:
    colors, depths = (EvaluationSet.choose(name, num=5) for name in ("real-mesh-rgb", "real-mesh-rgbd"))
    assert colors.is_recorded and colors.seeds == depths.seeds
    assert [colors.families(seed) for seed in colors.seeds] == [depths.families(seed) for seed in depths.seeds]
    with pytest.raises(InvalidValueError, match="'real-mesh-rgb' has none"):
        EvaluationSet.choose("real-mesh-rgb", num=1, swaps=("depth",))


@pytest.mark.parametrize("name", HALVES)
def test_without_a_half_no_sealed_clip_is_looked_at(name: SetName) -> None:
    assert EvaluationSet.choose(name) == EvaluationSet.choose(name, "tune")


@pytest.mark.parametrize("name", HALVES)
def test_no_sealed_clip_is_a_tune_clip(name: SetName) -> None:
    tune, sealed = (EvaluationSet.choose(name, half) for half in ("tune", "sealed"))
    assert not set(tune.seeds) & set(sealed.seeds)
    assert len(EvaluationSet.choose(name, "sealed", 3).seeds) == 3
    with pytest.raises(InvalidValueError, match=f"'{name}', half 'sealed', has {len(sealed.seeds)} clips; --num 999"):
        EvaluationSet.choose(name, "sealed", 999)
