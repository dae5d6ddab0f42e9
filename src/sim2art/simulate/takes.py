"""A take: a scenario with or without a hand, rendered, whose parts move and are seen as its labels say."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.geometry.meshes import TriangleMesh
from sim2art.simulate.hands import HandStyle, sample_hand
from sim2art.simulate.quality import Rejection, check_motion, check_visibility
from sim2art.simulate.renderer import Renderer
from sim2art.simulate.scenario import Scenario
from sim2art.simulate.seeds import named_rng
from sim2art.simulate.stage import StageFrames, render_stage
from sim2art.simulate.truth import Truth, derive_truth


@dataclass(frozen=True, kw_only=True)
class Take:
    """What a camera sees of a scenario, without errors, and the truth."""

    scenario: Scenario
    truth: Truth
    hand: tuple[TriangleMesh, Float[np.ndarray, "frame 4 4"]] | None
    stage: StageFrames
    part_images: Int[np.ndarray, "frame height width"]
    """Part at each pixel; 0 is all that stands still, and a hand."""
    is_object: Bool[np.ndarray, "frame height width"]


def make_take(
    scenario: Scenario,
    *,
    hand_share: float,
    hand_style: HandStyle = "mitten",
    keep_meshes: bool = False,
    renderer: Renderer | None = None,
) -> Take | Rejection:
    """The take of a scenario, or why it is refused.

    Args:
        hand_share: How likely a hand moves the part, 0..1.
        hand_style: What the hand looks like and does.
        keep_meshes: Whether the truth has the object's meshes.
    """
    truth = derive_truth(scenario, keep_meshes=keep_meshes)
    rejection = check_motion(scenario, truth)
    if rejection is not None:
        return rejection
    rng = named_rng(scenario.seed, "hand")
    has_hand = rng.uniform() < hand_share
    hand = sample_hand(scenario, truth.part_of_link, rng, style=hand_style) if has_hand else None
    stage = render_stage(scenario, hand, renderer=renderer)
    part_images = stage.part_images(truth.part_of_link)
    is_object = (stage.bodies >= 0) & (stage.bodies < stage.num_links)
    rejection = check_visibility(part_images, is_object, len(truth.articulated_object.links))
    if rejection is not None:
        return rejection
    return Take(scenario=scenario, truth=truth, hand=hand, stage=stage, part_images=part_images, is_object=is_object)
