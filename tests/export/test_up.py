"""Up is what was measured or told; else a guess, which says so wherever it is used."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.verdict import Outcome, SimulationCheck
from sim2art.errors import InvalidValueError
from sim2art.export.frames import root_from_world
from sim2art.export.gate import check_simulation
from sim2art.export.mjcf import write_mjcf
from sim2art.export.model_meshes import write_part_meshes
from sim2art.export.package import ExportOptions, export_result
from sim2art.export.physics import build_physics
from sim2art.export.saved import load_result
from sim2art.export.up import Up, estimate_up, find_up, parse_up, up_from_dict, up_to_dict
from sim2art.geometry.meshes import TriangleMesh, make_box
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import is_rigid, make_transform
from tests.export.test_saved import save
from tests.scenes import make_cabinet

TURNED = rotation_from_rotvec(np.array([0.0, 0.0, np.pi / 2]))
"""What a camera held upright, whose frames are stored lying, sees: the world turned about the line of sight."""


def test_a_tilted_camera_still_gives_an_upright_root() -> None:
    cabinet = make_cabinet()
    for tilt in ([0.5, 0.0, 0.0], [-0.4, 0.0, 0.25], [0.1, 0.7, -0.3]):
        rotation = rotation_from_rotvec(np.array(tilt))
        seen = cabinet.moved(make_transform(rotation, np.array([0.1, -0.2, 0.5])))
        up = estimate_up(seen)
        assert up.source == "surfaces"
        assert up.is_guess
        np.testing.assert_allclose(up.direction, rotation @ [0.0, -1.0, 0.0], atol=1e-6)
        root_from_seen = root_from_world(seen)
        assert is_rigid(root_from_seen)
        np.testing.assert_allclose(root_from_seen[:3, :3] @ rotation @ [0.0, -1.0, 0.0], [0, 0, 1], atol=1e-6)


def test_shapes_without_level_faces_leave_up_to_the_camera() -> None:
    rng = np.random.default_rng(0)
    soup = TriangleMesh(vertices=rng.standard_normal((900, 3)), faces=np.arange(900).reshape(-1, 3))
    blob = ArticulatedObject(name="blob", links=(Link(name="base", mesh=soup),), joints=())
    up = estimate_up(blob)
    assert up.source == "camera"
    np.testing.assert_array_equal(up.direction, [0, -1, 0])
    assert estimate_up(ArticulatedObject(name="bare", links=(Link(name="base"),), joints=())).source == "camera"


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda x: np.linalg.norm(x) > 1e-3))
def test_any_up_gives_a_rigid_root_whose_z_it_is(vector: tuple[float, float, float]) -> None:
    up = np.array(vector) / np.linalg.norm(vector)
    transform = root_from_world(make_cabinet(), up)
    assert is_rigid(transform)
    np.testing.assert_allclose(transform[:3, :3] @ up, [0, 0, 1], atol=1e-9)
    if abs(up[2]) < 0.99:  # x is where the camera looked, as far as that is level.
        ahead = transform[:3, :3] @ [0.0, 0.0, 1.0]
        assert abs(ahead[1]) < 1e-9
        assert ahead[0] > 0


def test_a_person_is_believed_before_the_device_and_the_device_before_surfaces() -> None:
    turned = make_cabinet().moved(make_transform(TURNED, np.zeros(3)))
    gravity = TURNED @ [0.0, -1.0, 0.0]
    assert find_up(turned, gravity=gravity).source == "gravity"
    np.testing.assert_array_equal(find_up(turned, gravity=gravity).direction, gravity)
    assert find_up(turned, gravity=gravity, user=np.array([0.0, -1, 0])).source == "user"
    guess = find_up(turned)
    assert guess.is_guess
    assert abs(guess.direction @ gravity) < 0.1  # On its side, and only a guess.


@pytest.mark.parametrize(
    ("text", "direction"),
    [("camera", (0, -1, 0)), ("+x", (1, 0, 0)), ("-Y", (0, -1, 0)), ("0,3,-4", (0, 0.6, -0.8))],
)
def test_up_is_read_from_words(text: str, direction: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(parse_up(text), direction)


def test_a_side_of_the_picture_leaves_the_cameras_tilt_to_the_surfaces() -> None:
    tilted = rotation_from_rotvec(np.array([0.4, 0.0, 0.0]))  # The camera looks down.
    seen = make_cabinet().moved(make_transform(tilted, np.zeros(3)))
    assert parse_up(" Top ") == "top"
    found = find_up(seen, user="top")
    assert found.source == "user"
    np.testing.assert_allclose(found.direction, tilted @ [0.0, -1.0, 0.0], atol=1e-6)
    turned = make_cabinet().moved(make_transform(TURNED @ tilted, np.zeros(3)))
    np.testing.assert_allclose(find_up(turned, user="right").direction, TURNED @ tilted @ [0.0, -1.0, 0.0], atol=1e-6)
    bare = ArticulatedObject(name="bare", links=(Link(name="base"),), joints=())
    np.testing.assert_array_equal(find_up(bare, user="bottom").direction, [0, 1, 0])


@pytest.mark.parametrize("text", ["", "north", "1,2", "0,0,0", "nan,0,1", "1,2,x"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="say which side of the first used picture is up"):
        parse_up(text)


def test_up_survives_its_file_form_and_must_be_a_direction() -> None:
    up = Up(direction=np.array([0.6, 0.0, 0.8]), source="gravity")
    again = up_from_dict(up_to_dict(up))
    assert again is not None
    np.testing.assert_array_equal(again.direction, up.direction)
    assert (again.source, again.is_guess) == ("gravity", False)
    assert up_from_dict(None) is None
    with pytest.raises(InvalidValueError, match="of length 2"):
        Up(direction=np.array([0.0, 0.0, 2.0]), source="user")


def make_door(*, hinge_at: float = -0.28) -> ArticulatedObject:
    """A door on an upright hinge before a wall, and nothing else."""
    wall = make_box(np.array([0.8, 0.9, 0.05]), np.array([0.0, 0.0, 1.5]))
    door = make_box(np.array([0.5, 0.8, 0.03]), np.array([0.0, 0.0, 1.4]))
    joint = Joint(
        name="hinge", type=JointType.REVOLUTE, parent="base", child="door", axis=np.array([0.0, 1.0, 0.0]),
        pivot=np.array([hinge_at, 0.0, 1.43]), observed_range=(0.0, 1.2),
    )  # fmt: skip
    links = (Link(name="base", mesh=wall), Link(name="door", mesh=door))
    return ArticulatedObject(name="door", links=links, joints=(joint,))


def check(made: ArticulatedObject, folder: Path, up: Up | None = None) -> dict[str, SimulationCheck]:
    model = build_physics(made, decompose=False, up=up)
    write_mjcf(model, write_part_meshes(model, folder), folder / "object.xml")
    verdict = check_simulation(model, folder / "object.xml")
    return {x.name if x.joint is None else f"{x.name} {x.joint}": x for x in verdict.checks}


def test_a_door_on_its_side_that_swings_by_its_own_weight_fails_the_check(tmp_path: Path) -> None:
    # The hinge comes to lie below the door, which then falls open.
    lying = make_door().moved(make_transform(TURNED.T, np.zeros(3)))
    found = check(lying, tmp_path)["up"]
    assert found.outcome is Outcome.FAILED
    assert "hinge moves" in found.words
    assert "--up left" in found.words
    known = check(lying, tmp_path, Up(direction=TURNED.T @ [0.0, -1.0, 0.0], source="user"))
    assert known["up"].outcome is Outcome.PASSED
    assert "own weight" not in known["settle"].words


def make_drawer() -> ArticulatedObject:
    """A drawer before a wall that slides towards the camera, and nothing else."""
    wall = make_box(np.array([0.8, 0.9, 0.05]), np.array([0.0, 0.0, 1.5]))
    drawer = make_box(np.array([0.5, 0.3, 0.03]), np.array([0.0, 0.0, 1.4]))
    joint = Joint(
        name="slide", type=JointType.PRISMATIC, parent="base", child="drawer", axis=np.array([0.0, 0.0, -1.0]),
        observed_range=(0.0, 0.3),
    )  # fmt: skip
    return ArticulatedObject(
        name="chest", links=(Link(name="base", mesh=wall), Link(name="drawer", mesh=drawer)), joints=(joint,)
    )


def test_a_given_up_with_which_a_drawer_slides_open_fails_the_check(tmp_path: Path) -> None:
    # Seen from above, the picture's top leans away from the drawer's front, which then slides down towards the camera.
    seen = make_drawer().moved(make_transform(rotation_from_rotvec(np.array([0.6, 0.0, 0.0])), np.zeros(3)))
    exact = find_up(seen, user=parse_up("camera"))
    found = check(seen, tmp_path / "camera", exact)["up"]
    assert found.outcome is Outcome.FAILED
    assert "up was given, and with it slide moves" in found.words
    assert check(seen, tmp_path / "top", find_up(seen, user="top"))["up"].outcome is Outcome.PASSED
    measured = Up(direction=exact.direction, source="gravity")
    assert check(seen, tmp_path / "phone", measured)["up"].outcome is Outcome.PASSED


def test_a_door_on_its_side_that_hangs_still_is_doubted(tmp_path: Path) -> None:
    lying = make_door().moved(make_transform(TURNED, np.zeros(3)))
    found = check(lying, tmp_path)["up"]
    assert found.outcome is Outcome.NOT_CHECKED
    assert "the hinge hinge lies level" in found.words


def test_a_door_that_stands_says_only_that_up_is_a_guess(tmp_path: Path) -> None:
    found = check(make_door(), tmp_path)["up"]
    assert found.outcome is Outcome.NOT_CHECKED
    assert found.words.startswith("up is a guess")
    assert "--up" not in found.words


def test_up_that_a_person_gives_stays_in_the_result_and_turns_every_export(tmp_path: Path) -> None:
    save(tmp_path)
    first = export_result(load_result(tmp_path), ExportOptions(check=False, decompose=False))
    assert any("up is a guess" in warning for warning in first.warnings)
    assert "Up is a guess" in (tmp_path / "object.urdf").read_text()
    right = np.array([1.0, 0.0, 0.0])
    done = export_result(load_result(tmp_path), ExportOptions(check=False, decompose=False, up="right"))
    assert not any("guess" in warning for warning in done.warnings)
    again = export_result(load_result(tmp_path), ExportOptions(check=False, decompose=False))
    assert again.result.up is not None
    assert again.result.up.source == "user"
    np.testing.assert_allclose(again.result.up.direction, right, atol=1e-6)
    assert "Up was given" in (tmp_path / "object.urdf").read_text()


def test_a_measured_up_is_kept_through_edits(tmp_path: Path) -> None:
    save(tmp_path)
    saved = load_result(tmp_path)
    gravity = Up(direction=np.array([1.0, 0.0, 0.0]), source="gravity")
    measured = dataclasses.replace(saved, result=dataclasses.replace(saved.result, up=gravity))
    done = export_result(measured, ExportOptions(check=False, decompose=False))
    assert done.result.up == gravity
    root = root_from_world(saved.articulated_object, gravity.direction)
    text = (tmp_path / "object.urdf").read_text()
    assert " ".join(f"{x + 0.0:.12g}" for x in root[:3, 3]) in text
