"""What the elements of a URDF say: numbers, frames, colours and shapes, each error with the file's name."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from jaxtyping import Float

from sim2art.assets.mesh_files import read_mesh
from sim2art.assets.primitives import make_capsule, make_sphere
from sim2art.errors import InvalidFileError
from sim2art.geometry.meshes import TriangleMesh, join_meshes, make_box, make_cylinder
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform

Color = tuple[int, int, int]
_PLAIN: Color = (160, 160, 160)


class UrdfElements:
    """Reads elements of one URDF, whose `<robot>` element has the named materials; meshes are looked up beside the file."""

    def __init__(self, root: ElementTree.Element, path: Path) -> None:
        self._path = path
        self._materials = {
            material.get("name", ""): color
            for material in root.iter("material")
            if (color := _color_of(material)) is not None
        }

    def error(self, what: str) -> InvalidFileError:
        """What is wrong with the file, as an error."""
        return InvalidFileError(f"URDF '{self._path}': {what}.", path=self._path)

    def numbers(self, text: str, count: int, where: str) -> Float[np.ndarray, "number"]:
        """So many finite numbers."""
        try:
            values = np.array([float(word) for word in text.split()])
        except ValueError:
            values = np.zeros(0)
        if len(values) != count or not np.all(np.isfinite(values)):
            raise self.error(f"{where} reads '{text}'; {count} finite number{'s' * (count > 1)} needed")
        return values

    def origin(self, element: ElementTree.Element) -> Float[np.ndarray, "4 4"]:
        """The frame that an element's `<origin>` gives, in the frame that it stands in."""
        origin = element.find("origin")
        if origin is None:
            return np.eye(4)
        place = self.numbers(origin.get("xyz", "0 0 0"), 3, "an <origin>")
        roll, pitch, yaw = self.numbers(origin.get("rpy", "0 0 0"), 3, "an <origin>")
        x, y, z = np.eye(3)
        turn = rotation_from_rotvec(yaw * z) @ rotation_from_rotvec(pitch * y) @ rotation_from_rotvec(roll * x)
        return make_transform(turn, place)

    def link_mesh(self, element: ElementTree.Element, kind: str) -> TriangleMesh | None:
        """The "visual" or "collision" shapes of a `<link>` in its own frame, every face with a colour; None without any."""
        meshes = [
            mesh.transformed(self.origin(shape))
            for shape in element.findall(kind)
            if (mesh := self._shape(element.get("name", ""), shape)) is not None
        ]
        return join_meshes(meshes) if meshes else None

    def _shape(self, link: str, shape: ElementTree.Element) -> TriangleMesh | None:
        geometry = shape.find("geometry")
        if geometry is None or len(geometry) == 0:
            return None
        element = geometry[0]
        color = self._color(shape)
        where = f"geometry of link '{link}'"

        def number(attribute: str) -> float:
            return float(self.numbers(element.get(attribute, ""), 1, f"{attribute} in the {where}")[0])

        match element.tag:
            case "mesh":
                scale = self.numbers(element.get("scale", "1 1 1"), 3, f"scale in the {where}")
                return read_mesh(self._resolve(element.get("filename", "")), scale=scale, color=color)
            case "box":
                mesh = make_box(self.numbers(element.get("size", ""), 3, f"size in the {where}"), np.zeros(3))
            case "sphere":
                mesh = make_sphere(np.full(3, number("radius")))
            case "cylinder":
                mesh = make_cylinder(number("radius"), number("length"), segments=24)
            case "capsule":
                mesh = make_capsule(number("radius"), number("length"))
            case tag:
                raise self.error(f"{where} is a <{tag}>; known: mesh, box, sphere, cylinder, capsule")
        return mesh.painted(color or _PLAIN)

    def _color(self, shape: ElementTree.Element) -> Color | None:
        """RGB of a shape, or None when the mesh file says it."""
        material = shape.find("material")
        if material is None:
            return None
        return _color_of(material) or self._materials.get(material.get("name", ""))

    def _resolve(self, text: str) -> Path:
        """The file that a mesh's path means; `package://` is looked up in the folders above too."""
        folder = self._path.resolve().parent
        if not text.startswith("package://"):
            return folder / text.removeprefix("file://")  # An absolute path stays as it is.
        inside = text.removeprefix("package://")
        _, _, without_package = inside.partition("/")
        for base in (folder, *folder.parents):
            for candidate in (base / inside, base / without_package):
                if candidate.is_file():
                    return candidate
        return folder / inside


def _color_of(material: ElementTree.Element) -> Color | None:
    element = material.find("color")
    if element is None:
        return None
    try:
        red, green, blue = (round(255 * min(max(float(x), 0.0), 1.0)) for x in element.get("rgba", "").split()[:3])
    except ValueError:
        return None
    return red, green, blue
