"""Builds a backbone of GPT-2 base's sizes, with random values, to measure."""

from __future__ import annotations

from typing import Any


def gpt2_base(num_layers: int = 12, dropout: float = 0.1) -> Any:
    import keras_nlp

    return keras_nlp.models.GPT2Backbone(
        vocabulary_size=1,  # the trunk has no token table
        num_layers=num_layers,
        num_heads=12,
        hidden_dim=768,
        intermediate_dim=3072,
        dropout=dropout,
        max_sequence_length=1024,
    )
