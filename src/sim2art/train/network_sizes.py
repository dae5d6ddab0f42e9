"""The network that a training run builds."""

import dataclasses

from sim2art.inference.assign.mask_evidence import num_mask_features
from sim2art.inference.score.evidence import num_evidence_features
from sim2art.networks.judge import JudgeConfig
from sim2art.networks.mask_network import MaskNetworkConfig
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
    cache = config.cache
    assert cache is not None
    shown = cache.shown_baselines
    num_features = READ_CHANNELS * len(shown) + cache.shown_semantics
    return dataclasses.replace(
        config.slots,
        encoder=dataclasses.replace(config.slots.encoder, num_features=num_features),
        baselines=shown,
        num_semantics=cache.shown_semantics,
        num_points=cache.num_points,
    )
