"""A depth model with a few random weights, in the folder that transformers reads: what a real one is, but for its size."""

from __future__ import annotations

from pathlib import Path

import torch


def depth_anything(folder: Path) -> Path:
    """A DepthAnythingForDepthEstimation over a small DINOv2."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=56, patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, patch_size=14, neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=8, head_hidden_size=8,
    )  # fmt: skip
    model = DepthAnythingForDepthEstimation(config)
    with torch.no_grad():  # else its last step lets nothing through
        model.head.conv3.weight.mul_(20)
        model.head.conv3.bias.add_(3)
    model.save_pretrained(folder)
    return folder
