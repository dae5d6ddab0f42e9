"""Textures: charts do not overlap, colours are those that frames saw, every format carries the picture."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from pxr import Usd, UsdGeom, UsdShade

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.errors import InvalidValueError
from sim2art.export.charts import lay_out
from sim2art.export.fusion import PartView, make_frame
from sim2art.export.glb import write_glb
from sim2art.export.mesh_files import read_obj, write_obj
from sim2art.export.physics import PhysicsModel, build_physics
from sim2art.export.texture import _rasterize, paint
from sim2art.export.usd import write_usd
from sim2art.geometry.meshes import Texture, TriangleMesh, make_box, make_cylinder
from tests.export.test_glb import read_chunks

K = np.array([[120.0, 0, 79.5], [0, 120, 59.5], [0, 0, 1]])


def make_wall(*, cells: int = 24) -> TriangleMesh:
    """A square of 0.8 m, 1 m in front of the camera, facing it."""
    side = np.linspace(-0.4, 0.4, cells + 1)
    x, y = np.meshgrid(side, side)
    vertices = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)
    corner = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).ravel()
    right, below, both = corner + 1, corner + cells + 1, corner + cells + 2
    faces = np.concatenate([np.stack([corner, below, right], 1), np.stack([right, below, both], 1)])
    return TriangleMesh(vertices=vertices, faces=faces)


def make_view(*, blur: bool = False, hidden: bool = False) -> PartView:
    """A camera at the origin that sees a wall, red on the left and blue on the right."""
    image = np.zeros((120, 160, 3), dtype=np.uint8)
    image[:, :80, 0], image[:, 80:, 2] = 255, 255
    image[::4, :, 1] = 60
    if blur:
        image[:] = 128
    depths = np.full((120, 160), 0.5 if hidden else 1.0)
    return PartView(
        frame=make_frame(depths, image, K), on_part=np.ones((120, 160), dtype=bool), camera_from_rest=np.eye(4)
    )


@pytest.mark.parametrize("mesh", [make_box(np.array([0.3, 0.5, 0.2]), np.zeros(3)), make_cylinder(0.2, 0.5)])
def test_charts_lie_inside_the_picture_and_do_not_overlap(mesh: TriangleMesh) -> None:
    uvs, height, width = lay_out(mesh, 0.005, 2048)
    assert uvs.min() > 0
    assert uvs.max() < 1
    pixels = uvs * [width, height]
    a, b, c = (pixels[:, i] for i in range(3))
    flat = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    corners = mesh.vertices[mesh.faces]
    true = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2 / 0.005**2
    assert np.all(flat <= true * 1.01)
    assert np.all(flat >= true * 0.3)  # Seen at a slant, not on edge.
    owners, _ = _rasterize(uvs, height, width)
    owned = np.bincount(owners[owners >= 0], minlength=len(mesh.faces))
    assert np.all(owned >= 0.9 * flat - 3 * np.sqrt(flat))  # What overlaps would lose its texels to others.


def test_a_bound_on_the_picture_holds() -> None:
    _, height, width = lay_out(make_wall(), 0.0005, 300)
    assert 200 < max(height, width) <= 300


def test_the_texture_shows_what_the_frame_saw() -> None:
    painted = paint(make_wall(), [make_view()], K)
    assert painted.texture is not None
    assert painted.colors is not None
    middle = painted.vertices[painted.faces].mean(axis=1)[:, 0]
    assert np.all(painted.colors[middle < -0.03, 0] > 240)
    assert np.all(painted.colors[middle < -0.03, 2] < 15)
    assert np.all(painted.colors[middle > 0.03, 2] > 240)
    # Finer than a face: the stripes that the image has along each face survive.
    assert (painted.texture.image[..., 1] > 40).mean() > 0.1


def test_a_blurred_or_hidden_frame_has_little_say() -> None:
    sharp = paint(make_wall(), [make_view()], K).colors
    for other in (make_view(blur=True), make_view(hidden=True)):
        mixed = paint(make_wall(), [other, make_view()], K).colors
        assert sharp is not None
        assert mixed is not None
        assert np.abs(mixed.astype(int) - sharp).max() < 20


def test_a_mesh_with_its_texture_survives_the_file(tmp_path: Path) -> None:
    painted = paint(make_wall(), [make_view()], K)
    assert painted.texture is not None
    write_obj(tmp_path / "wall.obj", painted)
    again = read_obj(tmp_path / "wall.obj")
    assert again.texture is not None
    np.testing.assert_allclose(again.texture.uvs, painted.texture.uvs, atol=1e-6)
    np.testing.assert_array_equal(again.texture.image, painted.texture.image)
    assert again.colors is not None
    assert painted.colors is not None
    assert np.abs(again.colors.astype(int) - painted.colors).max() < 60
    foreign = trimesh.load(tmp_path / "wall.obj", process=False, force="mesh")
    assert isinstance(foreign.visual, trimesh.visual.TextureVisuals)
    assert foreign.visual.material.image.size == painted.texture.image.shape[1::-1]


def model_with(mesh: TriangleMesh) -> PhysicsModel:
    return build_physics(
        ArticulatedObject(name="wall", links=(Link(name="base", mesh=mesh),), joints=()), decompose=False
    )


def test_the_glb_carries_the_picture(tmp_path: Path) -> None:
    painted = paint(make_wall(), [make_view()], K)
    write_glb(model_with(painted), None, tmp_path / "wall.glb")
    content, _ = read_chunks(tmp_path / "wall.glb")
    primitive = content["meshes"][0]["primitives"][0]
    assert "COLOR_0" not in primitive["attributes"]
    assert content["materials"][primitive["material"]]["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0}
    scene = trimesh.load_scene(tmp_path / "wall.glb")
    (mesh,) = scene.geometry.values()
    picture = np.array(mesh.visual.material.baseColorTexture.convert("RGB"))
    height, width = picture.shape[:2]
    columns, rows = mesh.visual.uv[:, 0] * width, (1 - mesh.visual.uv[:, 1]) * height
    found = picture[rows.astype(int), columns.astype(int)]
    left = mesh.vertices[:, 0] < -0.05  # The base's frame is the first camera's, x to the right.
    assert np.all(found[left, 0] > 200)
    assert np.all(found[mesh.vertices[:, 0] > 0.05, 2] > 200)


def test_the_usd_binds_the_picture_beside_it(tmp_path: Path) -> None:
    painted = paint(make_wall(), [make_view()], K)
    write_usd(model_with(painted), tmp_path / "wall.usda")
    stage = Usd.Stage.Open(str(tmp_path / "wall.usda"))
    mesh = stage.GetPrimAtPath("/wall/base/visual")
    places = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st")
    assert places.GetInterpolation() == "faceVarying"
    assert len(places.Get()) == 3 * len(painted.faces)
    material, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
    picture = UsdShade.Shader(stage.GetPrimAtPath(f"{material.GetPath()}/picture"))
    assert picture.GetInput("file").Get().path == "./meshes/base.png"
    surface, _, _ = material.ComputeSurfaceSource()
    assert surface.GetInput("diffuseColor").HasConnectedSource()


def test_a_texture_must_fit_its_mesh() -> None:
    texture = Texture(uvs=np.zeros((1, 3, 2)), image=np.zeros((2, 2, 3), dtype=np.uint8))
    with pytest.raises(InvalidValueError, match="a texture for 1"):
        TriangleMesh(
            vertices=np.zeros((3, 3)),
            faces=np.zeros((2, 3), dtype=np.int64),
            colors=np.zeros((2, 3), dtype=np.uint8),
            texture=texture,
        )
