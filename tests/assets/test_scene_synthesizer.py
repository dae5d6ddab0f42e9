"""Furniture of scene-synthesizer: what its sampler gives becomes an object of ours (with a stand-in for the package)."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.assets.scene_synthesizer import make_synthesized
from tests.assets.files import box_link, joint, write_box, write_urdf_text


class StandIn:
    """An asset whose scene writes a range: a fixed frame, a door and a drawer, as the package's export does."""

    drawn: ClassVar[list[int]] = []

    @classmethod
    def random(cls, seed: int) -> "StandIn":
        cls.drawn.append(seed)
        return cls()

    def scene(self) -> "StandIn":
        return self

    def export(self, path: str, *, write_mesh_files: bool) -> None:
        assert write_mesh_files
        folder = Path(path).parent
        write_box(folder / "body.obj", (0.7, 0.6, 0.9))
        write_box(folder / "door.obj", (0.7, 0.02, 0.5), (0, -0.3, 0))
        write_urdf_text(
            Path(path),
            box_link("world", None),
            *(box_link(name, "door.obj") for name in ("door", "drawer")),
            box_link("body", "body.obj"),
            joint("hold", "fixed", "world", "body", axis=None),
            joint("hinge", "revolute", "body", "door", axis="1 0 0", limit="0 1.5"),
            joint("slide", "prismatic", "body", "drawer", axis="0 -1 0", limit="0 0.5"),
        )


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in under the package's name."""
    root, assets = ModuleType("scene_synthesizer"), ModuleType("scene_synthesizer.procedural_assets")
    root.__spec__ = SimpleNamespace(name="scene_synthesizer")  # pyright: ignore[reportAttributeAccessIssue]
    for kind in ("RangeAsset", "DishwasherAsset"):
        setattr(assets, kind, StandIn)
    monkeypatch.setitem(sys.modules, "scene_synthesizer", root)
    monkeypatch.setitem(sys.modules, "scene_synthesizer.procedural_assets", assets)


def test_an_asset_becomes_a_painted_object_on_the_floor() -> None:
    found = make_synthesized("synth:range", np.random.default_rng(0))
    kinds = {item.name: item.type for item in found.joints}
    assert kinds == {"hold": JointType.FIXED, "hinge": JointType.REVOLUTE, "slide": JointType.PRISMATIC}
    corners = np.concatenate([link.mesh.vertices for link in found.links if link.mesh])
    assert corners[:, 2].min() == pytest.approx(0.0)
    assert found.name == "range"
    assert len({link.color for link in found.links}) > 1


def test_the_generator_decides_what_is_drawn() -> None:
    StandIn.drawn.clear()
    for seed in (3, 3, 4):
        make_synthesized("synth:range", np.random.default_rng(seed))
    first, again, other = StandIn.drawn
    assert first == again != other


def test_racks_behind_a_door_stay_still() -> None:
    kinds = [item.type for item in make_synthesized("synth:dishwasher", np.random.default_rng(0)).joints]
    assert JointType.PRISMATIC not in kinds and JointType.REVOLUTE in kinds
