"""How does the demo model cut a prompt into tokens? By CLIP's byte-level BPE, where each caption word is one token."""

from __future__ import annotations

import json

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from generation.demo.captions import vocabulary

LONGEST = 32  # tokens of a prompt, start and end included; what is beyond is cut off
START, END = "<|startoftext|>", "<|endoftext|>"
MOST_TOKENS = 2000  # far more than there are merges, so that merging goes on until each word is one token


def build() -> CLIPTokenizer:
    """Learn the merges from the caption words; any other word falls apart into bytes, none is unknown."""
    trainer = trainers.BpeTrainer(
        vocab_size=MOST_TOKENS,
        min_frequency=1,
        special_tokens=[],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    learner.train_from_iterator([*vocabulary(), ","], trainer)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    return CLIPTokenizer(
        vocab=_numbered(merges),
        merges=merges,
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=LONGEST,
    )


def _numbered(merges: list[tuple[str, ...]]) -> dict[str, int]:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    return {token: number for number, token in enumerate(dict.fromkeys(tokens))}
