import numpy as np
import torch

from sim2art.articulation.joint import JointType
from sim2art.networks.judge import JudgeOutput
from sim2art.networks.slot_network import SlotOutput, Votes
from sim2art.simulate.generate import ClipConfig
from sim2art.train.cached_examples import make_cached_example
from sim2art.train.clip_cache import make_record
from sim2art.train.config import PRESETS
from sim2art.train.examples import make_judge_example
from sim2art.train.losses import judge_loss
from sim2art.train.slot_losses import slot_loss, vote_loss
from tests.point_clips import make_point_clip


def _batch(example):
    return {name: torch.from_numpy(np.asarray(value))[None] for name, value in example._asdict().items()}


def _slot_batch():
    """A turning part, as a pass over a cache without noise shows it."""
    clip = make_point_clip(JointType.REVOLUTE, num_frames=6)
    clip.provenance["seed"] = 1
    baselines = clip.video.baselines
    config = ClipConfig(corruption="none", num_frames=6, num_points=clip.video.num_points, baselines=baselines)
    rng = np.random.default_rng(1)
    return _batch(
        make_cached_example(
            make_record(clip, config), rng, num_points=256, kept_baselines=baselines, baselines=baselines, noise="none"
        )
    )


def test_perfect_judge_has_no_mask_and_type_loss():
    clip = make_point_clip(JointType.REVOLUTE, num_frames=6)
    batch = _batch(make_judge_example(clip, PRESETS["tiny"].examples, np.random.default_rng(0)))
    assert (batch["targets"] > 0).any()
    labels = (batch["part_ids"][:, None] == batch["targets"][:, :, None, None]) & (batch["targets"] > 0)[
        :, :, None, None
    ]
    types = torch.nn.functional.one_hot(batch["types"].long().clamp_min(0), 2).float() * 40
    output = JudgeOutput(masks=labels.float() * 40 - 20, scores=torch.zeros_like(batch["qualities"]), types=types)
    terms = judge_loss(output, batch)
    assert terms["mask"] < 1e-2
    assert terms["type"] < 1e-6
    assert terms["empty"] < 1e-6
    wrong = judge_loss(output._replace(masks=-output.masks), batch)
    assert wrong["mask"] > 1.0


def test_perfect_slots_have_almost_no_loss_in_any_order():
    batch = _slot_batch()
    slots, parts = 5, batch["part_types"].shape[1]
    order = [3, 1]  # Part 0 is in slot 3, part 1 in slot 1.
    masks = torch.full((1, slots, *batch["part_ids"].shape[1:]), -20.0)
    types = torch.zeros(1, slots, 4)
    types[:, :, 3] = 20.0
    axes = torch.nn.functional.normalize(torch.ones(1, slots, 3), dim=-1)
    pivots, motions = torch.zeros(1, slots, 3), torch.zeros(1, batch["part_motions"].shape[1], slots)
    for part, slot in enumerate(order):
        masks[:, slot][batch["part_ids"] == part] = 20.0
        types[0, slot] = torch.eye(4)[int(batch["part_types"][0, part])] * 20
        if part:
            axes[0, slot] = batch["part_axes"][0, part]
            pivots[0, slot] = batch["part_pivots"][0, part] + 0.7 * axes[0, slot]
            motions[0, :, slot] = batch["part_motions"][0, :, part]
    confidences = torch.where(torch.isin(torch.arange(slots), torch.tensor(order)), 20.0, -20.0)[None]
    output = SlotOutput(masks=masks, types=types, axes=axes, pivots=pivots, confidences=confidences, motions=motions)
    terms = slot_loss(output, batch)
    assert parts > 2
    assert terms["total"] < 0.02, terms
    assert slot_loss(output._replace(axes=-axes), batch)["axis"] > 1.9


def test_perfect_votes_have_no_loss_and_a_wrong_sign_has():
    batch = _slot_batch()
    slots = torch.arange(40).expand(1, 6, 40)
    own = batch["part_ids"][0, :, :40].long()
    axes, pivots = batch["part_axes"][0][own], batch["part_pivots"][0][own]
    arms = batch["points"][0, :, :40] - pivots
    votes = Votes(
        types=torch.nn.functional.one_hot(batch["part_types"][0].long()[own], 3)[None] * 30.0,
        axes=axes[None],
        pivots=(pivots + (arms * axes).sum(dim=-1, keepdim=True) * axes)[None],
        motions=torch.stack([batch["part_motions"][0, t][own[t]] for t in range(6)])[None],
    )
    assert (own > 0).any()
    assert all(value < 1e-6 for value in vote_loss(votes, slots, batch).values())
    assert vote_loss(votes._replace(axes=-votes.axes), slots, batch)["vote_axis"] > 3.9
    assert vote_loss(votes._replace(motions=-votes.motions), slots, batch)["vote_motion"] > 0.1
