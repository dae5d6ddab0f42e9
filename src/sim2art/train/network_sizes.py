"""The network that a training run builds."""

import dataclasses

from sim2art.inference.assign.mask_evidence import num_mask_features
from sim2art.inference.score.evidence import num_evidence_features
from sim2art.networks.judge import JudgeConfig
from sim2art.networks.mask_network import MaskNetworkConfig
from sim2art.networks.point_encoder import EncoderConfig
from sim2art.networks.scene_flow import GMSF_LIGHT, SceneFlowConfig
from sim2art.networks.slot_network import READ_CHANNELS, SlotConfig
from sim2art.train.config import TrainConfig


def network_config(config: TrainConfig) -> JudgeConfig | SlotConfig | SceneFlowConfig | MaskNetworkConfig:
    """The network that a training run builds."""
    baselines = len(config.clips.baselines)
    if config.network == "proposals":
        kinds = config.examples.evidence.kinds
        return dataclasses.replace(
            config.judge, num_features=num_evidence_features(baselines, kinds), evidence=tuple(kinds)
        )
    if config.network == "scene_flow":
        return GMSF_LIGHT
    if config.network == "masks":
        evidence = config.masks.evidence
        return MaskNetworkConfig(num_features=num_mask_features(baselines, evidence), evidence=tuple(evidence.kinds))
    slots = config.slots or SlotConfig(encoder=EncoderConfig(num_features=0))
    shown = config.clips.baselines if config.cache is None else config.cache.shown_baselines
    semantics = 0 if config.cache is None else config.cache.shown_semantics
    return dataclasses.replace(
        slots,
        encoder=dataclasses.replace(slots.encoder, num_features=READ_CHANNELS * len(shown) + semantics),
        slots="queries" if config.network == "queries" else slots.slots,
        baselines=shown,
        num_semantics=semantics,
        num_points=config.examples.num_slot_points if config.cache is None else config.cache.num_points,
    )
