"""Tiny models with random weights in the hub's own format: what a user's folder holds, at a thousandth of the size."""

from pathlib import Path
from typing import Any

import torch


def _save(model: Any, folder: Path) -> None:
    """Save with weights large enough that the output depends on the image."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8.0)
    model.save_pretrained(folder)


def write_depth_anything(folder: Path, *, is_metric: bool = True) -> Path:
    """Depth Anything V2."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=56, patch_size=14,
        out_features=["stage1", "stage2"], reshape_hidden_states=False,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, patch_size=14, reassemble_factors=[4, 2],
        neck_hidden_sizes=[8, 16], fusion_hidden_size=8, head_in_index=-1, head_hidden_size=4,
        depth_estimation_type="metric" if is_metric else "relative", max_depth=4 if is_metric else 1,
    )  # fmt: skip
    _save(DepthAnythingForDepthEstimation(config), folder)
    return folder


def write_dinov2(folder: Path) -> Path:
    """DINOv2."""
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    Dinov2Model(
        Dinov2Config(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14)
    ).save_pretrained(folder)
    return folder


def write_dinov3(folder: Path) -> Path:
    """DINOv3, with four register tokens."""
    from transformers import DINOv3ViTConfig, DINOv3ViTModel

    torch.manual_seed(0)
    config = DINOv3ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, patch_size=16,
        num_register_tokens=4,
    )  # fmt: skip
    DINOv3ViTModel(config).save_pretrained(folder)
    return folder


def write_sam2(folder: Path) -> Path:
    """SAM 2 for video."""
    from transformers import Sam2HieraDetConfig, Sam2VideoConfig, Sam2VideoModel, Sam2VisionConfig
    from transformers.models.sam2_video.configuration_sam2_video import (
        Sam2VideoMaskDecoderConfig,
        Sam2VideoPromptEncoderConfig,
    )

    torch.manual_seed(0)
    backbone = Sam2HieraDetConfig(
        hidden_size=12, num_attention_heads=1, blocks_per_stage=[1, 1, 2, 1], embed_dim_per_stage=[12, 24, 48, 96],
        num_attention_heads_per_stage=[1, 1, 2, 4], image_size=[128, 128], window_positional_embedding_background_size=[7, 7],
        global_attention_blocks=[3],
    )  # fmt: skip
    vision = Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[96, 48, 24, 12],
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]], fpn_hidden_size=128,
    )  # fmt: skip
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config=Sam2VideoPromptEncoderConfig(hidden_size=128, image_size=128),
        mask_decoder_config=Sam2VideoMaskDecoderConfig(
            hidden_size=128, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=32
        ),
        image_size=128, memory_attention_hidden_size=128, memory_attention_feed_forward_hidden_size=32,
        memory_attention_num_layers=1, memory_encoder_hidden_size=128, memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=128, memory_fuser_embed_dim=128, memory_fuser_intermediate_dim=32,
        memory_fuser_num_layers=1, memory_attention_rope_feat_sizes=[8, 8],
    )  # fmt: skip
    _save(Sam2VideoModel(config), folder)
    return folder


def write_depth_pro(folder: Path) -> Path:
    """Depth Pro."""
    from transformers import DepthProConfig, DepthProForDepthEstimation

    torch.manual_seed(0)
    tiny = {
        "model_type": "dinov2", "num_hidden_layers": 3, "hidden_size": 8, "num_attention_heads": 2, "patch_size": 4,
        "image_size": 16, "mlp_ratio": 2,
    }  # fmt: skip
    config = DepthProConfig(
        patch_size=16, fusion_hidden_size=8, intermediate_hook_ids=[1, 0], intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.25, 0.5, 1], scaled_images_overlap_ratios=[0.0, 0.5, 0.25],
        scaled_images_feature_dims=[8, 8, 8], use_fov_model=True,
        image_model_config=dict(tiny), patch_model_config=dict(tiny), fov_model_config=dict(tiny),
    )  # fmt: skip
    _save(DepthProForDepthEstimation(config), folder)
    return folder
