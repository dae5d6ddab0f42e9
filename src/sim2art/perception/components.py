"""Names of the exchangeable components, what each needs, and what of that this machine has.

A choice is written NAME or NAME:SOURCE, the source being a folder or file of the user's: "sam2:/models/sam2". Chains are
named sets of choices. This module loads nothing heavy: `sim2art doctor` and the option check use it.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.optional import is_installed
from sim2art.perception.models import find_model, gate_words, look_up
from sim2art.weights import find_weight, has_weight


@dataclass(frozen=True, kw_only=True)
class Component:
    """One way to do one task."""

    what: str
    """In a few words."""
    license: str = "own code, Apache-2.0"
    package: tuple[str, str] | None = None
    """A module, and the extra of sim2art that installs it."""
    weight: str | None = None
    """Name in `sim2art.weights`, of a weight or a group."""
    better_with: str | None = None
    """Name in `sim2art.weights` of what it uses if it is there."""
    model: str | None = None
    """Name in `perception.models`; those are run by `transformers`."""
    stand_in: str | None = None
    """Weight that does instead of the model and its packages."""
    program: str | None = None
    """Command that must be on the path."""
    needs_source: bool = False
    """Whether a SOURCE must be given."""
    guesses_images: bool = False
    """Whether depth is guessed image by image: what is guessed trembles, and results are judged by more."""


COMPONENTS: dict[str, dict[str, Component]] = {
    "depth": {
        "auto": Component(what="the recording's own depth"),
        "file": Component(what="depth images of yours, by frame number", needs_source=True),
        "head": Component(
            what="our own small head on DINOv2-S, no hub needed",
            license="own code and weights, Apache-2.0; DINOv2-S Apache-2.0",
            weight="dinov2-small",
            guesses_images=True,
        ),
        "da2": Component(what="Depth Anything V2", license="Apache-2.0 (Small)", model="da2", guesses_images=True),
        "depthpro": Component(
            what="Depth Pro", license="Apple AMLR (research only)", model="depthpro", guesses_images=True
        ),
        "vipe": Component(
            what="ViPE: depth, poses and intrinsics together (CUDA GPU)",
            license="Apache-2.0; UniK3D inside it CC BY-NC-SA",
            program="vipe",
        ),
    },
    "cameras": {
        "auto": Component(
            what="the recording's own poses, else found; that a camera stands still is told by area with gmflow's weight",
            better_with="gmflow",
        ),
        "static": Component(what="the camera stood still"),
        "klt": Component(what="corner tracks and depth", license="OpenCV, Apache-2.0"),
        "colmap": Component(what="COLMAP, movers masked", license="BSD-3-Clause", package=("pycolmap", "light")),
        "vipe": Component(what="ViPE's poses (with --depth vipe)", license="Apache-2.0"),
        "file": Component(what="a camera.json of yours", needs_source=True),
    },
    "mask": {
        "auto": Component(what="salient object if it holds what moves, else around what moves", better_with="u2netp"),
        "motion": Component(what="a box around what moves"),
        "u2net": Component(
            what="U2-NetP salient object", license="Apache-2.0", package=("onnxruntime", "mask"), weight="u2netp"
        ),
        "sam2": Component(
            what="SAM 2.1, prompted by motion or --box, followed through the video", license="Apache-2.0", model="sam2"
        ),
        "file": Component(what="mask images of yours, by frame number", needs_source=True),
        "whole": Component(what="everything that is seen"),
    },
    "people": {
        "auto": Component(
            what="hands and arms by networks if they are at hand, else by skin colour, motion and the image's border",
            better_with="hands",
        ),
        "hands": Component(
            what="hands by palm detector and landmarks, their arms by colour", license="Apache-2.0", weight="hands"
        ),
        "skin": Component(what="arms by skin colour, motion and the image's border"),
        "sam2": Component(what="SAM 2.1, prompted by the arm that auto finds", license="Apache-2.0", model="sam2"),
        "file": Component(what="masks of yours, by frame number", needs_source=True),
        "none": Component(what="nothing is taken for a person"),
    },
    "flow": {
        "dis": Component(what="DIS optical flow", license="OpenCV, Apache-2.0"),
        "gmsf": Component(
            what="GMSF scene flow from depth alone, for what has no texture (poses and masks still by DIS); weights ship"
        ),
        "gmflow": Component(
            what="GMFlow optical flow, which follows blank surfaces, made finer by DIS; or gmflow:FILE of the authors' weights",
            license="own code; weights Apache-2.0",
            weight="gmflow",
        ),
        "file": Component(what="optical flow of yours, FROM_TO.flo by frame numbers", needs_source=True),
    },
    "features": {
        "none": Component(what="no features"),
        "dinov2": Component(what="DINOv2 ViT-S/14", license="Apache-2.0", model="dinov2", stand_in="dinov2-small"),
        "dinov3": Component(what="DINOv3 ViT-L/16", license="DINOv3 License", model="dinov3"),
        "file": Component(what="features of yours, NNNNNN.npy by frame number", needs_source=True),
    },
}
"""Task -> name -> component; the first of each task is the default."""

CHAINS: dict[str, dict[str, str]] = {
    "rgbd": {"depth": "auto", "cameras": "auto", "mask": "auto", "people": "auto", "flow": "dis", "features": "none"},
    "full": {"depth": "vipe", "cameras": "vipe", "mask": "sam2", "people": "auto", "flow": "dis", "features": "none"},
    "light": {"depth": "head", "cameras": "auto", "mask": "auto", "people": "auto", "flow": "dis", "features": "none"},
}
"""Named sets of choices: a recording with depth; colour only on a GPU; colour only on a CPU."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A component by name, and the user's file or folder for it."""

    name: str
    source: str | None = None

    @property
    def place(self) -> Path:
        """The user's file or folder, of a component that needs one."""
        assert self.source is not None, "The choice was checked when it was parsed."
        return Path(self.source)


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Something that a component needs and this machine does not have."""

    what: str
    mend: str
    """What to do about it."""


def parse_choice(task: str, text: str) -> Choice:
    """NAME or NAME:SOURCE as a choice.

    Raises:
        InvalidValueError: When there is no such component, with those there are.
    """
    name, colon, source = text.partition(":")
    known = COMPONENTS[task]
    if name not in known:
        raise InvalidValueError(f"--{task} is '{text}'; known: {', '.join(known)} (or NAME:FOLDER for files of yours).")
    if known[name].needs_source and not source:
        raise InvalidValueError(f"--{task} {name} needs a place: --{task} {name}:/path/to/folder.")
    return Choice(name=name, source=source if colon and source else None)


def choose_components(chain: str, **choices: str | None) -> dict[str, str]:
    """The choices of a chain, with those that are given put in their place.

    Args:
        chain: "auto" or a name of `CHAINS`.
        choices: Task -> choice, or None to take the chain's.
    """
    if chain != "auto" and chain not in CHAINS:
        raise InvalidValueError(f"--chain is '{chain}'; known: auto, {', '.join(CHAINS)}.")
    chosen = dict(CHAINS["rgbd" if chain == "auto" else chain])
    chosen |= {task: choice for task, choice in choices.items() if choice is not None}
    for task, choice in chosen.items():
        parse_choice(task, choice)
    return chosen


def find_lacks(task: str, choice: Choice) -> list[Lack]:
    """What a component needs and this machine does not have; empty when it can run."""
    component = COMPONENTS[task][choice.name]
    if component.stand_in is not None and choice.source is None:
        try:
            if find_weight(component.stand_in) is not None:
                return []
        except InvalidFileError as error:
            return [Lack(what="a damaged file", mend=str(error))]
    lacks = []
    package = component.package if component.model is None else ("transformers", "full")
    if package is not None and not is_installed(package[0]):
        lacks.append(Lack(what=f"package {package[0]}", mend=f"pip install 'sim2art[{package[1]}]'"))
    # Models look after their own folder, and a program's is where it writes.
    has_place = component.needs_source or (choice.source is not None and not (component.model or component.program))
    if has_place and not Path(choice.source or "").expanduser().exists():
        lacks.append(Lack(what=f"'{choice.source}'", mend="name a file or folder that is there"))
    if component.program is not None and choice.source is None and shutil.which(component.program) is None:
        lacks.append(
            Lack(
                what=f"program {component.program}",
                mend="install it in an environment of its own (pip install nvidia-vipe, needs CUDA) and put its vipe on the "
                "path, or read what it wrote elsewhere: sim2art run vipe_results/ --name VIDEO",
            )
        )
    try:
        if component.weight is not None and not has_weight(component.weight):
            lacks.append(Lack(what=f"weight {component.weight}", mend=f"sim2art weights fetch {component.weight}"))
        if component.model is not None and find_model(component.model, choice.source) is None:
            model = look_up(component.model)
            lacks.append(
                Lack(
                    what=f"model {model.repository}",
                    mend=f"sim2art weights fetch {component.stand_in or component.model}{gate_words(model)}",
                )
            )
    except InvalidFileError as error:
        lacks.append(Lack(what="a damaged file", mend=str(error)))
    return lacks


def lack_words(lacks: Sequence[Lack]) -> str:
    """What is missing and how to mend it, as one line."""
    return "; ".join(f"{lack.what} is missing: {lack.mend}" for lack in lacks)


def refuse_lacking(choices: Mapping[str, Choice]) -> None:
    """Raise before anything is computed when a chosen component cannot run here.

    "auto" lacks nothing: what it would have liked to try is its own business, and said in a warning.

    Raises:
        InvalidFileError: With what is missing and how to mend it, for all tasks at once.
    """
    lacking = {task: lacks for task, choice in choices.items() if (lacks := find_lacks(task, choice))}
    if lacking:
        words = ". ".join(
            f"--{task} {choices[task].name} cannot run here: {lack_words(lacks)}" for task, lacks in lacking.items()
        )
        first = choices[next(iter(lacking))]
        raise InvalidFileError(f"{words}.", path=first.source or first.name)
