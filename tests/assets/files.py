"""Small model files that the tests of readers write."""

from pathlib import Path

import numpy as np

_QUADS = ((1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4))
BOX_FACES = "".join(f"f {a} {b} {c}\nf {a} {c} {d}\n" for a, b, c, d in _QUADS)


def write_box(path: Path, size: tuple[float, float, float], center: tuple[float, float, float] = (0, 0, 0)) -> Path:
    """An OBJ of a box, wound outwards."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    vertices = corners * size + center
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"v {x} {y} {z}\n" for x, y, z in vertices) + BOX_FACES)
    return path


def box_link(name: str, mesh: str | None, origin: str = "") -> str:
    """A URDF link with a mesh, or an empty one."""
    if mesh is None:
        return f'<link name="{name}"/>'
    return (
        f'<link name="{name}"><visual>{origin}<geometry><mesh filename="{mesh}"/></geometry>'
        '<material name="m"><color rgba="1 0 0 1"/></material></visual></link>'
    )


def joint(
    name: str, kind: str, parent: str, child: str, *, axis: str | None = "0 0 1", limit: str = "", origin: str = ""
) -> str:
    """A URDF joint; `limit` is "low high", `origin` the attributes of <origin>."""
    low, _, high = limit.partition(" ")
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        + (f"<origin {origin}/>" if origin else "")
        + (f'<axis xyz="{axis}"/>' if axis is not None else "")
        + (f'<limit lower="{low}" upper="{high}"/>' if limit else "")
        + "</joint>"
    )


def write_urdf_text(path: Path, *elements: str) -> Path:
    """A URDF of the given elements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('<?xml version="1.0"?><robot name="thing">' + "".join(elements) + "</robot>")
    return path


def write_cabinet(folder: Path, name: str = "cabinet.urdf", *, limit: str = "0 1.5") -> Path:
    """A box with a door that turns."""
    write_box(folder / "body.obj", (0.6, 0.4, 0.8))
    write_box(folder / "door.obj", (0.6, 0.02, 0.8), (0.3, 0, 0))
    return write_urdf_text(
        folder / name,
        box_link("body", "body.obj"),
        box_link("door", "door.obj"),
        joint("hinge", "revolute", "body", "door", limit=limit, origin='xyz="-0.3 -0.22 0"'),
    )
