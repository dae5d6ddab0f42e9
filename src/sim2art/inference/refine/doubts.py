"""What speaks against an answer as a whole, whatever its joints say, in words for a person."""

from dataclasses import dataclass

from sim2art.inference.refine.depth_scale import DepthScale

LEFTOVER = 0.15
"""More of the points than this that move as no joint says make the answer incomplete; wrong flow alone leaves up to
12 % on validation clips."""


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """What speaks against an answer as a whole."""

    depth: DepthScale
    leftover: float
    """Share of the points that move as no joint says."""
    num_joined: int
    """Parts that were joined with others."""
    num_seeming: int
    """Parts that were left out since they only seem to turn, as the camera goes around them."""
    num_untold: int
    """Parts that were left out since their joints are hardly right: something may move there."""

    def reasons(self) -> tuple[str, ...]:
        """Why the answer may be wrong or incomplete, in words for a person; empty when nothing speaks against it."""
        said = []
        if self.depth.is_off:
            word = "long" if self.depth.error > 0 else "short"
            said.append(
                f"depths look {100 * abs(self.depth.error):.0f} % too {word} for the camera's path: "
                "check the depth scale or the poses"
            )
        if self.leftover > LEFTOVER:
            said.append(
                f"{100 * self.leftover:.0f} % of the points move as no joint says: "
                "parts may be missing, or taken for one"
            )
        if self.num_untold:
            what = "1 part seems" if self.num_untold == 1 else f"{self.num_untold} parts seem"
            said.append(
                f"{what} to move, but as no joint that is likely right: left out; film the motion again, slower or from nearer"
            )
        return tuple(said)

    def remarks(self) -> tuple[str, ...]:
        """What a person should know, though it does not speak against the answer."""
        said = []
        if self.num_joined == 1:
            said.append("1 part was joined to another that it moves as one with")
        elif self.num_joined:
            said.append(f"{self.num_joined} parts were joined to others that they move as one with")
        if self.num_seeming:
            said.append(
                "something round and blank seems to turn by as much as the camera goes around it: taken for standing still"
            )
        return tuple(said)
