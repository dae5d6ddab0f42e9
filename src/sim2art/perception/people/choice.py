"""People are left out of a recording: by the chosen component, and said in words."""

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from sim2art.perception.captures.own_files import read_masks
from sim2art.perception.captures.pose_checks import stands_still
from sim2art.perception.components import Choice
from sim2art.perception.flow.lifted_flow import PixelFlow
from sim2art.perception.frames.intake import Recording
from sim2art.perception.masks.choice import FramesWithMotion
from sim2art.perception.people.by_colour import find_near_arms, find_people
from sim2art.perception.people.hand_networks import load_hand_networks
from sim2art.perception.people.hands.finder import find_hands
from sim2art.perception.people.hands.growing import GrownHands, grow_hands
from sim2art.perception.tasks import HandModel

_MIN_AGREEMENT = 0.5
"""Share of the arm's pixels in the prompted frame that SAM 2 must find again to be believed."""
_BLEEDING = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
"""px around hands whose flow is theirs in part."""
_NO_NETWORKS = (
    "Hands are looked for by the colour of skin, as the networks that find them are not on this machine; many are missed. "
    "Run: sim2art weights fetch hands."
)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What people cover."""

    masks: Bool[np.ndarray, "frame height width"]
    warnings: tuple[str, ...]
    reach: Bool[np.ndarray, "frame height width"] | None = None
    """Where arms can be, the masks included: what moves there may be an arm that was missed."""

    def see(self, depths: Float32[np.ndarray, "frame height width"]) -> Float32[np.ndarray, "frame height width"]:
        """Depth (m) of everything else; 0 where people are."""
        return np.where(self.masks, np.float32(0.0), depths)

    def without(
        self, moving: Bool[np.ndarray, "frame half_height half_width"]
    ) -> Bool[np.ndarray, "frame half_height half_width"]:
        """What else moves, on every second row and column."""
        return moving & ~self.masks[:, ::2, ::2]

    def drop(self, flows: dict[tuple[int, int], PixelFlow]) -> dict[tuple[int, int], PixelFlow]:
        """Flow that leads from no person to no person; a part's flow must not be averaged with a hand's."""
        if not self.masks.any():
            return flows
        return {
            (a, b): dataclasses.replace(flow, confident=flow.confident & ~self.masks[a])
            for (a, b), flow in flows.items()
        }


def leave_out_people(
    frames: FramesWithMotion,
    *,
    choice: Choice,
    frame_ids: tuple[int, ...],
    depth_is_guessed: bool = False,
    hands: GrownHands | None = None,
) -> LeftOut:
    """Mask people by a component of the task "people".

    Args:
        frames: The used frames.
        choice: The component.
        frame_ids: The recording's numbers of the frames, for masks in files.
        depth_is_guessed: Whether a network guessed the depth, which then shows arms before a camera that stands still.
        hands: What `look_for_hands` found in the frames.
    """
    images, depths = frames.images, frames.depths
    if choice.name == "none":
        return LeftOut(masks=np.zeros(depths.shape, dtype=bool), warnings=())
    if choice.name == "file":
        own = read_masks(choice.place, frame_ids, (depths.shape[2], depths.shape[1]))
        return LeftOut(masks=own, warnings=())
    told: tuple[str, ...] = ()
    networks = None if choice.name == "skin" else load_hand_networks(required=choice.name == "hands")
    if hands is None and networks is not None:
        hands = mask_hands(images, networks)
    masks, reach = np.zeros((2, *depths.shape), dtype=bool) if hands is None else hands
    # Measured depth tells an arm that is too blurred or cut off for the networks; guessed depth has led the rules astray.
    if networks is None or (choice.name != "hands" and not depth_is_guessed):
        masks = masks | find_people(frames, networks)
    if networks is None:
        if depth_is_guessed and stands_still(frames.world_from_camera):
            masks = masks | find_near_arms(depths, frames.moving)
        if choice.name != "skin":
            told = (_NO_NETWORKS,)
    if not masks.any():
        return LeftOut(masks=masks, warnings=told, reach=reach)
    if choice.name == "sam2":
        masks, also = _followed(images, masks, choice.source)
        told = (*told, *also)
    seen = masks.mean(axis=(1, 2)) > 0
    share = 100 * float(masks[seen].mean()) if seen.any() else 0.0
    words = (
        f"Hands or arms are seen in {int(seen.sum())} of {len(seen)} used frames ({share:.1f} % of the image): they are left "
        "out. If they are part of the object, pass --people none."
    )
    return LeftOut(masks=masks, warnings=(words, *told), reach=masks | reach)


def look_for_hands(recording: Recording, choice: Choice) -> GrownHands | None:
    """Hands and arms in all frames of a recording in colour alone; None where no network looks for them.

    With measured depth they are looked for in the used frames only: such recordings are taken in with five times the frames.
    """
    if not recording.capture.depth_is_guessed or choice.name not in {"auto", "hands", "sam2"}:
        return None
    networks = load_hand_networks(required=choice.name == "hands")
    if networks is None:
        return None
    return mask_hands(np.array([recording.read_image(frame) for frame in range(recording.num_frames)]), networks)


def mask_hands(images: UInt8[np.ndarray, "frame height width 3"], networks: HandModel) -> GrownHands:
    """Hands and arms by networks, a little wider than they are: optical flow bleeds over edges."""
    grown = grow_hands(images, find_hands(list(images), networks))
    wide = np.array([cv2.dilate(mask.astype(np.uint8), _BLEEDING) > 0 for mask in grown.masks])
    return GrownHands(masks=wide, reach=wide | grown.reach)


def _followed(
    images: UInt8[np.ndarray, "frame height width 3"], masks: Bool[np.ndarray, "frame height width"], source: str | None
) -> tuple[Bool[np.ndarray, "frame height width"], tuple[str, ...]]:
    """SAM 2's masks of what was found by colour, prompted where most of it is seen."""
    from sim2art.perception.masks.sam2 import Sam2Masks

    frame = int(np.argmax(masks.sum(axis=(1, 2))))
    y, x = np.nonzero(masks[frame])
    low, high = np.array([x.min(), y.min()]), np.array([x.max(), y.max()])
    followed = Sam2Masks(source)(images, frame, np.concatenate([low, high - low]).astype(np.float64))
    if followed[frame][masks[frame]].mean() < _MIN_AGREEMENT:
        return masks, ("SAM 2 does not find the arm that was found by colour: the latter is used.",)
    return followed, ()
