"""Which tiny, untrained parts are checkpoints of the tests made of: tokenizers, text encoders, autoencoders?"""

from __future__ import annotations

import string
from typing import Any

import diffusers
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

CLIP_WIDTH = 32
T5_WIDTH = 64
LLAMA_WIDTH = 32
LLAMA_LAYERS = 3


def clip_tokenizer() -> transformers.CLIPTokenizer:
    """Give a tokenizer of CLIP that knows bytes and no words."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def clip_config(*, positions: int = 77) -> transformers.CLIPTextConfig:
    """Give the configuration of a text encoder of CLIP that takes so many tokens."""
    tokens = len(clip_tokenizer())
    return transformers.CLIPTextConfig(
        vocab_size=tokens,
        hidden_size=CLIP_WIDTH,
        intermediate_size=48,
        num_attention_heads=4,
        num_hidden_layers=3,
        projection_dim=CLIP_WIDTH,
        max_position_embeddings=positions,
        bos_token_id=tokens - 2,
        eos_token_id=tokens - 1,
        pad_token_id=tokens - 1,
    )


def t5_tokenizer() -> transformers.T5Tokenizer:
    """Give a unigram tokenizer of T5 whose pieces are letters."""
    pieces = ["▁", *string.ascii_letters, *string.digits, *string.punctuation]
    scored = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((piece, -2.0) for piece in pieces)]
    return transformers.T5Tokenizer(vocab=scored, extra_ids=0, model_max_length=512)


def t5() -> transformers.T5EncoderModel:
    """Give the encoder half of a T5 v1.1."""
    return transformers.T5EncoderModel(
        transformers.T5Config(
            vocab_size=len(t5_tokenizer()),
            d_model=T5_WIDTH,
            d_kv=16,
            d_ff=96,
            num_layers=3,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            is_encoder_decoder=False,
            use_cache=False,
        )
    )


def llama_tokenizer() -> transformers.PreTrainedTokenizerFast:
    """Give a tokenizer of Llama 3 that knows bytes and no words."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    begin, end = "<|begin_of_text|>", "<|eot_id|>"
    vocabulary = {token: number for number, token in enumerate([*letters, begin, end])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, vocabulary[begin])]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=begin, eos_token=end, model_max_length=131072
    )


def llama() -> transformers.LlamaForCausalLM:
    """Give a language model of the Llama family."""
    tokens = len(llama_tokenizer())
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=tokens,
            hidden_size=LLAMA_WIDTH,
            intermediate_size=48,
            num_hidden_layers=LLAMA_LAYERS,
            num_attention_heads=4,
            num_key_value_heads=2,
            bos_token_id=tokens - 2,
            eos_token_id=tokens - 1,
        )
    )


def autoencoder(*, latent_channels: int, scaling_factor: float, shift_factor: float) -> Any:
    """Give an AutoencoderKL whose latents are shifted and scaled, as that of SD3 and FLUX."""
    autoencoder_class: Any = diffusers.AutoencoderKL
    return autoencoder_class(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=latent_channels,
        norm_num_groups=4,
        sample_size=1024,
        scaling_factor=scaling_factor,
        shift_factor=shift_factor,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )
