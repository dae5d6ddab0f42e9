"""Mesh files of others: coloured, cleaned of copies, refused with a reason."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2art.assets.decimation import decimate, lightened
from sim2art.assets.library import make_asset
from sim2art.assets.mesh_files import read_mesh
from sim2art.errors import InvalidFileError
from sim2art.geometry.meshes import TriangleMesh
from tests.assets.files import write_box


def test_faces_stored_twice_are_kept_once(tmp_path: Path) -> None:
    path = write_box(tmp_path / "box.obj", (1, 1, 1))
    turned = "".join(
        "f " + " ".join(reversed(line.split()[1:])) + "\n" for line in path.read_text().splitlines() if line[0] == "f"
    )
    path.write_text(path.read_text() + turned)
    mesh = read_mesh(path)
    assert len(mesh.faces) == 12
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    assert float(np.sum(np.cross(a, b) * c) / 6) == pytest.approx(1.0), "the first of each pair, which faces outwards"


def test_a_texture_in_a_neighbouring_folder_colours_the_faces(tmp_path: Path) -> None:
    folder = tmp_path / "textured_objs"
    folder.mkdir()
    (tmp_path / "images").mkdir()
    texels = np.zeros((8, 8, 3), dtype=np.uint8)
    texels[:4], texels[4:] = (250, 0, 0), (0, 0, 250)  # Red above, blue below.
    Image.fromarray(texels).save(tmp_path / "images" / "texture_0.png")
    (folder / "a.mtl").write_text("newmtl m\nKd 0.1 0.9 0.1\nmap_Kd ../images/texture_0.png\n")
    (folder / "a.obj").write_text(
        "mtllib a.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\n"
        "vt 0.1 0.8\nvt 0.9 0.8\nvt 0.5 0.9\nvt 0.1 0.1\nvt 0.9 0.1\nvt 0.5 0.2\n"
        "f 1/1 2/2 3/3\nf 2/4 4/5 3/6\n"
    )
    colors = read_mesh(folder / "a.obj").colors
    assert colors is not None
    assert colors.tolist() == [[250, 0, 0], [0, 0, 250]]


def test_a_plain_material_colours_the_faces(tmp_path: Path) -> None:
    path = write_box(tmp_path / "a.obj", (1, 1, 1))
    (tmp_path / "a.mtl").write_text("newmtl m\nKd 0.2 0.4 0.6\n")
    path.write_text("mtllib a.mtl\nusemtl m\n" + path.read_text())
    colors = read_mesh(path).colors
    assert colors is not None and colors[0].tolist() == [51, 102, 153]
    given = read_mesh(path, color=(1, 2, 3)).colors
    assert given is not None and np.all(given == [1, 2, 3])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"),
        ("a.obj", "v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nf 1 2 9\n", "Cannot read mesh|face indices"),
        ("a.stl", "this is no mesh", "Cannot read mesh|no faces"),
        ("a.xyzw", "?", "Cannot read mesh"),
    ],
)
def test_broken_meshes_are_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidFileError, match=message) as caught:
        read_mesh(tmp_path / name)
    assert name in str(caught.value)


def sphere(segments: int) -> TriangleMesh:
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=segments)
    colors = np.tile(np.array([9, 9, 9], dtype=np.uint8), (len(ball.faces), 1))
    return TriangleMesh(vertices=np.array(ball.vertices), faces=np.array(ball.faces, dtype=np.int64), colors=colors)


def test_a_heavy_mesh_keeps_its_shape_when_made_light() -> None:
    heavy = sphere(5)
    light = decimate(heavy, 1500)
    assert 500 < len(light.faces) <= 1500
    assert light.colors is not None and len(light.colors) == len(light.faces)
    radii = np.linalg.norm(light.vertices, axis=1)
    assert radii.min() > 0.9 and radii.max() < 1.01
    assert decimate(light, 2000) is light


def test_a_light_object_is_left_alone() -> None:
    drawn = make_asset("stapler", np.random.default_rng(0))
    assert lightened(drawn) is drawn
    assert sum(len(link.mesh.faces) for link in lightened(drawn, 200).links if link.mesh) <= 260
