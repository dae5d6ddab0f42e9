"""Options of `sim2art run`, each defined and explained once, here; a result keeps them in its `config.json`."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from sim2art.cli.options import ONCE
from sim2art.errors import InvalidValueError
from sim2art.export.up import parse_up
from sim2art.file_names import model_name
from sim2art.methods import MethodName
from sim2art.perception.components import choose_components
from sim2art.perception.options import CompleteOptions, IntakeOptions, ObserveOptions
from sim2art.reconstruction.options import ReconstructOptions


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """What goes in, and what is known of it."""

    recording: Positional[Path | None] = None
    """A video, a folder of pictures, or a recording of Record3D, Stray Scanner, Polycam, RealSense, TUM, ViPE or our capture folder (rgb/, depth/, camera.json). Without depth in it, a chain or a depth component is needed."""
    frames: int = 16
    """How many frames to use; they are chosen by motion."""
    start: float | None = None
    """Seconds of the recording at which to begin, such as before the door is touched."""
    end: float | None = None
    """Seconds of the recording at which to stop."""
    box: str | None = None
    """x,y,width,height of the object in the first used frame, px; overrides the mask, or prompts sam2."""
    fov: float | None = None
    """Field of view of the image's longer side, deg, where the recording does not say it."""
    known_length: str | None = None
    """x1,y1,x2,y2=METRES, the distance between what two pixels of the first frame show; makes lengths exact."""
    marker: float | None = None
    """Side (m) of a printed ArUco or AprilTag marker that is seen; makes lengths exact."""
    up: str | None = None
    """Which side of the first used picture is up: top, left, right or bottom; surfaces near it tell how far the camera looked down. Or the exact direction x,y,z in its axes (x right, y down, z forward), such as --up=-y; for a recording that does not know gravity."""
    name: str | None = None
    """Which video, for a folder that holds ViPE's results of several."""


@dataclass(frozen=True, kw_only=True)
class ChainOptions:
    """Components of the perception chain, NAME or NAME:FOLDER with your own model or files; sim2art doctor says which run here."""

    chain: Literal["auto", "rgbd", "full", "light"] = "auto"
    """Components that go together: rgbd (recorded depth), light (colour only, CPU), full (colour only, CUDA GPU)."""
    depth: str | None = None
    """auto (recorded), head, da2, depthpro, vipe, file."""
    cameras: str | None = None
    """auto (recorded, else found), static (it stood still), klt, colmap, vipe, file."""
    mask: str | None = None
    """What counts as the object: auto, motion (around what moves), u2net (salient), sam2, file, whole."""
    people: str | None = None
    """Hands and arms are left out: auto (by networks if they are at hand, else by rules), hands, skin, sam2, file, none."""
    flow: str | None = None
    """dis, gmsf (from depth alone, for what has no texture), gmflow (with weights of yours), file."""
    features: str | None = None
    """none, dinov2, dinov3, file."""


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """What comes out, and where."""

    folder: Annotated[Path, arg(name="output", aliases=["-o"])] = field(metadata=ONCE)
    """Folder for the result."""
    labels: Literal["used", "all"] = "used"
    """Frames whose pixels are labelled: the used ones, or all (these at a smaller size)."""
    keep_room: bool = False
    """Keep floor and walls beyond the object in the base's mesh."""
    overwrite: bool = field(default=False, metadata=ONCE)
    """Replace an earlier result in the output folder."""
    resume: bool = field(default=False, metadata=ONCE)
    """Go on from the stages that a stopped run left in the output folder."""


@dataclass(frozen=True, kw_only=True)
class ExpertOptions:
    """What few need."""

    method: MethodName | None = None
    """By default the network where depth was measured, and joints of the images where it was guessed; or one of the methods that these are compared with."""
    checkpoint: Path | None = None
    """Folder of other network weights than those that ship."""
    refine: bool = True
    """Fit the joints again to flow and surfaces, with sigmas; --no-refine leaves the method's answer as it is."""
    seed: int = 0
    """Of the sampled points."""


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Many recordings in one go."""

    batch: Path | None = None
    """Folder of recordings, in place of one recording; each gets a folder in the output, all the same options. A batch that was stopped goes on when it is started again."""
    jobs: int | None = None
    """Recordings at a time."""
    ray: str | None = None
    """Address of a Ray cluster that works on the batch, such as auto."""
    time_limit: float | None = None
    """Seconds after which a recording is given up."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Turn one recording of an object in motion into an articulated model, or each of a folder of recordings."""

    SCHEMA: ClassVar[str] = "sim2art.run/1"

    config: Path | None = field(default=None, metadata=ONCE)
    """config.json of an earlier result: its options are used; options on the command line take precedence."""
    input: OmitArgPrefixes[InputOptions] = field(default_factory=InputOptions)
    chain: OmitArgPrefixes[ChainOptions] = field(default_factory=ChainOptions)
    output: OmitArgPrefixes[OutputOptions]
    expert: OmitArgPrefixes[ExpertOptions] = field(default_factory=ExpertOptions)
    batch: OmitArgPrefixes[BatchOptions] = field(default_factory=BatchOptions, metadata=ONCE)

    @property
    def components(self) -> dict[str, str]:
        """Task -> what the chain and the choices beside it come to."""
        choices = dataclasses.asdict(self.chain)
        return choose_components(choices.pop("chain"), **choices)

    def reconstruct_options(self, recording: Path) -> ReconstructOptions:
        """What `sim2art.reconstruct` is asked for.

        Raises:
            InvalidValueError: When an option has no meaning, with what would do.
        """
        given, expert, chosen = self.input, self.expert, self.components
        return ReconstructOptions(
            observe=ObserveOptions(
                num_frames=given.frames,
                depth=chosen["depth"],
                cameras=chosen["cameras"],
                mask=chosen["mask"],
                people=chosen["people"],
                flow=chosen["flow"],
                features=chosen["features"],
                box=parse_box(given.box),
                complete=CompleteOptions(fov_deg=given.fov),
                known_length=given.known_length,
                marker=given.marker,
                seed=expert.seed,
                intake=IntakeOptions(start=given.start, end=given.end),
            ),
            method=expert.method,
            checkpoint=expert.checkpoint,
            refine=expert.refine,
            label_all=self.output.labels == "all",
            up=None if given.up is None else parse_up(given.up),
            keep_room=self.output.keep_room,
            name=given.name or model_name(recording),
            recording_name=given.name,
        )


def parse_box(text: str | None) -> tuple[int, int, int, int] | None:
    """Four integers from "x,y,width,height".

    Raises:
        InvalidValueError: When the text is not four integers.
    """
    if text is None:
        return None
    words = text.replace(" ", "").split(",")
    if len(words) != 4 or not all(word.lstrip("-").isdecimal() for word in words):
        raise InvalidValueError(
            f"--box is '{text}'; four integers x,y,width,height are needed, such as 120,40,300,260."
        )
    x, y, width, height = (int(word) for word in words)
    return x, y, width, height
