"""How is the demo model's denoiser built?"""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from generation.demo import text
from generation.demo.autoencoder import LATENT_CHANNELS

TIME_ID_WIDTH = 8
POSITION_CHANNELS = 2


def build_scheduler() -> DDIMScheduler:
    """Zero terminal SNR with v-prediction: flat backgrounds come out in the colour that was asked for."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def build(cells: int) -> UNet2DConditionModel:
    """Build an untrained UNet for latents of `cells` x `cells`, with SDXL's way of taking in text and size.

    It has two outputs more than it needs: a small UNet does not know where it is and then draws only things that look
    the same from four sides, so it also learns to tell the position of each cell. `without_position` takes them off.
    """
    unet = UNet2DConditionModel(
        sample_size=cells,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS + POSITION_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(32, 96, 160),
        layers_per_block=1,
        cross_attention_dim=text.WIDTH,
        attention_head_dim=(2, 3, 5),
        norm_num_groups=16,
        resnet_time_scale_shift="scale_shift",
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_ID_WIDTH,
        projection_class_embeddings_input_dim=text.WIDTH + 6 * TIME_ID_WIDTH,
    )
    with torch.no_grad():
        for part in (unet.conv_out, unet.add_embedding.linear_2):
            part.weight.zero_()
            part.bias.zero_()
    return unet


def without_position(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Give a copy of a trained UNet without its position outputs."""
    config = dict(unet.config) | {"out_channels": LATENT_CHANNELS}
    bare = UNet2DConditionModel.from_config(config)
    weights = unet.state_dict()
    for name in ("conv_out.weight", "conv_out.bias"):
        weights[name] = weights[name][:LATENT_CHANNELS]
    bare.load_state_dict(weights)
    return bare
