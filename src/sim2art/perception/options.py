"""What can be asked of perception. It loads nothing heavy: a command's help and a script's options need no more."""

from dataclasses import dataclass, field

from sim2art.errors import InvalidValueError
from sim2art.observation.sampling import DEFAULT_BASELINES
from sim2art.perception.components import COMPONENTS, Choice, parse_choice
from sim2art.perception.frames.intake import IntakeOptions


@dataclass(frozen=True, kw_only=True)
class CompleteOptions:
    """How a recording of colour is given depth and cameras."""

    max_frames: int = 48
    """Frames whose depth is guessed; a network takes about a second for each on a CPU."""
    max_side: int = 640
    """Longer side of the images that are worked on, px; larger ones are reduced."""
    fov_deg: float | None = None
    """Field of view of the image's longer side, deg; None takes the recording's, the component's or a usual one."""

    def __post_init__(self) -> None:
        if self.fov_deg is not None and not 5 <= self.fov_deg <= 150:
            raise InvalidValueError(f"The field of view is {self.fov_deg} deg; 5 to 150 are possible, 60 is usual.")


@dataclass(frozen=True, kw_only=True)
class ObserveOptions:
    """How a recording is observed."""

    num_frames: int = 16
    """Frames to use, chosen by motion."""
    num_points: int = 2048
    """Points drawn in each frame."""
    baselines: tuple[int, ...] = DEFAULT_BASELINES
    """Flow goes this many used frames ahead."""
    depth: str = "auto"
    """Depth component, NAME or NAME:SOURCE, see `components.py`; auto is the recording's own."""
    cameras: str = "auto"
    """auto: the recording's poses when it has them, else found; static: it stood still; klt, colmap, vipe, file."""
    mask: str = "auto"
    """auto: salient object if its weight is at hand and it holds what moves, else the motion-centred crop."""
    people: str = "auto"
    """How hands and arms are found, which are left out; auto: by networks if they are at hand, else by rules."""
    flow: str = "dis"
    """Optical flow component."""
    features: str = "none"
    """Semantic features of the points."""
    known_length: str | None = None
    """x1,y1,x2,y2=METRES: the distance between two pixels' points in the first frame."""
    marker: float | None = None
    """Side of a printed ArUco or AprilTag marker that is seen, m."""
    complete: CompleteOptions = field(default_factory=CompleteOptions)
    box: tuple[int, int, int, int] | None = None
    """x, y, width, height (px of the input) of the object in the first used frame; overrides `mask`."""
    crop_factor: float = 1.6
    """The motion-centred crop is this many times the box around what moves."""
    refine_poses: bool = True
    """Whether poses and depth scales of the used frames are corrected by what stands still."""
    make_rigid: bool = True
    """Whether flow is made locally rigid: less noise, fewer mismatches, flat patches filled in."""
    seed: int = 0
    """Of the drawn points."""
    intake: IntakeOptions = field(default_factory=IntakeOptions)

    def __post_init__(self) -> None:
        if self.num_frames < 2 or self.num_points < 16:
            raise InvalidValueError(
                f"ObserveOptions: {self.num_frames} frames and {self.num_points} points were asked for; at least 2 frames "
                "and 16 points are needed."
            )
        for task in COMPONENTS:
            self.choice(task)

    def choice(self, task: str) -> Choice:
        """The component of a task."""
        return parse_choice(task, getattr(self, task))
