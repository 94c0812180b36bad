"""How are the encoders of Qwen's family made in tiny, with a real tokenizer and its chat template?"""

from __future__ import annotations

from typing import Any

import transformers
from tokenizers import pre_tokenizers

WIDTH = 16  # of the hidden states
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


def tokenizer() -> transformers.Qwen2Tokenizer:
    """Give a tokenizer that knows bytes alone."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*letters, *SPECIAL])}
    made = transformers.Qwen2Tokenizer(vocab=vocabulary, merges=[], extra_special_tokens=list(SPECIAL[1:]))
    made.chat_template = CHAT_TEMPLATE
    return made


def qwen3_config(*, layers: int) -> transformers.Qwen3Config:
    """Give the configuration of a tiny Qwen3."""
    return transformers.Qwen3Config(layer_types=["full_attention"] * layers, **_sizes(layers), head_dim=8)


def qwen_vl(*, layers: int = 2) -> Any:
    """Make a tiny Qwen2.5-VL with random weights; its eyes are there, as small as they can be."""
    text = _sizes(layers) | {"rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]}}
    eyes = {"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 16, "out_hidden_size": WIDTH}
    config = transformers.Qwen2_5_VLConfig(
        text_config=text, vision_config=eyes | {"fullatt_block_indexes": [0]}, vocab_size=_tokens()
    )
    return transformers.Qwen2_5_VLForConditionalGeneration(config)


def _sizes(layers: int) -> dict[str, Any]:
    return {
        "vocab_size": _tokens(),
        "hidden_size": WIDTH,
        "intermediate_size": 24,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 2048,
    }


def _tokens() -> int:
    return len(pre_tokenizers.ByteLevel.alphabet()) + len(SPECIAL)
