"""GPT-2: causal blocks, learned positions, a final norm."""

from __future__ import annotations

from typing import Any

import keras

from keras_fpt.finetuning import Finetune
from keras_fpt.sizes import whole_number
from keras_fpt.trunks.trunk import Trunk
from keras_fpt.trunks.trunk import check_num_layers
from keras_fpt.trunks.trunk import copy_values
from keras_fpt.trunks.trunk import repeat_rows


@keras.saving.register_keras_serializable(package="keras_fpt")
class GPT2Trunk(Trunk):
    """The trunk in a `keras_nlp.models.GPT2Backbone`.

    Args:
        num_layers: int. The number of blocks.
        num_heads: int. The number of attention heads of a block.
        hidden_dim: int. The size of a hidden vector.
        intermediate_dim: int. The inner size of the feed-forward layers.
        dropout: float. Dropout of embeddings, attention and residuals.
        max_sequence_length: int. The number of positions.
        preset: string or `None`. What it was loaded from. Defaults to `None`.
        finetune: string or sequence of strings. What of it is trained.
            Defaults to `"fpt"`.
        backbone: a `GPT2Backbone` whose layers the trunk takes over, or
            `None` to build fresh ones. Defaults to `None`.

    Call arguments:
        tokens: Tensor of shape `(batch, num_tokens, hidden_dim)`.
        padding_mask: Tensor of shape `(batch, num_tokens)` or `None`. Nonzero
            where a token is real.

    Reference:
        [Radford et al., 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)
    """

    backbone_name = "GPT2Backbone"
    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (
            r"transformer_layer_{block}/self_attention_layer_norm/\w+",
            r"transformer_layer_{block}/feedforward_layer_norm/\w+",
            r"layer_norm/\w+",
        ),
        "attention": (r"transformer_layer_{block}/self_attention/.+",),
        "feed_forward": (
            r"transformer_layer_{block}/feedforward_intermediate_dense/\w+",
            r"transformer_layer_{block}/feedforward_output_dense/\w+",
        ),
    }
    # keras-nlp draws kernels and positions from N(0, 0.02), as OpenAI did.
    initial_values = (
        (r".+/gamma", 0.0, 1.0),
        (r".+/(beta|bias)", 0.0, 0.0),
        (r".+/kernel|position_embedding/embeddings", 0.02, 0.0),
    )

    def __init__(
        self,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        intermediate_dim: int,
        dropout: float,
        max_sequence_length: int,
        preset: str | None = None,
        finetune: Finetune = "fpt",
        backbone: Any = None,
        dtype: Any = None,
        name: str = "trunk",
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, name=name, **kwargs)
        # === Config ===
        self.sizes = {
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": intermediate_dim,
            "dropout": dropout,
            "max_sequence_length": max_sequence_length,
        }
        self.preset = preset
        self.hidden_dim = hidden_dim
        self.num_positions = max_sequence_length

        # === Layers ===
        if backbone is None:
            import keras_nlp

            # One row is the smallest token table; it is dropped below.
            backbone = keras_nlp.models.GPT2Backbone(
                vocabulary_size=1, dtype=dtype, **self.sizes
            )
        self.position_embedding = backbone.position_embedding
        self.embeddings_add = backbone.embeddings_add
        self.embeddings_dropout = backbone.embeddings_dropout
        self.blocks = list(backbone.transformer_layers[:num_layers])
        self.final_norm = backbone.layer_norm
        self.built = True
        self.set_finetune(finetune)

    @classmethod
    def from_backbone(
        cls,
        backbone: Any,
        num_layers: int | None = None,
        preset: str | None = None,
        copy: bool = True,
        num_positions: int | None = None,
    ) -> GPT2Trunk:
        available = backbone.max_sequence_length
        if num_positions is None:
            num_positions = available
        num_positions = whole_number("num_positions", num_positions)
        # A table of another size is a variable of its own.
        copy = copy or num_positions != available
        trunk = cls(
            num_layers=check_num_layers(num_layers, backbone.num_layers),
            num_heads=backbone.num_heads,
            hidden_dim=backbone.hidden_dim,
            intermediate_dim=backbone.intermediate_dim,
            dropout=backbone.dropout,
            max_sequence_length=num_positions,
            preset=preset,
            backbone=None if copy else backbone,
            dtype=backbone.dtype_policy,
        )
        if copy:
            table = trunk.position_embedding.position_embeddings
            others = [v for v in trunk.weights if v is not table]
            copy_values(backbone.weights, others)
            rows = backbone.position_embedding.position_embeddings
            table.assign(repeat_rows(rows, num_positions))
        return trunk

    def call(self, tokens: Any, padding_mask: Any = None) -> Any:
        x = self._with_positions(tokens)
        for block in self.blocks:
            x = block(x, decoder_padding_mask=padding_mask)
        return self.final_norm(x)  # (batch, num_tokens, hidden_dim)

    def attention_scores(
        self, tokens: Any, layer: int, padding_mask: Any = None
    ) -> Any:
        x = self._with_positions(tokens)
        for block in self.blocks[:layer]:
            x = block(x, decoder_padding_mask=padding_mask)
        block = self.blocks[layer]
        mask = block._compute_self_attention_mask(
            decoder_sequence=x,
            decoder_padding_mask=padding_mask,
            decoder_attention_mask=None,
            use_causal_mask=True,
            self_attention_cache=None,
            self_attention_cache_update_index=None,
        )
        x = block._self_attention_layer_norm(x)
        _, scores = block._self_attention_layer(
            query=x, value=x, attention_mask=mask, return_attention_scores=True
        )
        return scores  # (batch, heads, num_tokens, num_tokens)

    def _with_positions(self, tokens: Any) -> Any:
        self.check_length(tokens.shape[1])
        x = self.embeddings_add((tokens, self.position_embedding(tokens)))
        return self.embeddings_dropout(x)

    def compute_output_shape(
        self, tokens_shape: Any, padding_mask_shape: Any = None
    ) -> Any:
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **self.sizes,
            "preset": self.preset,
            "finetune": self.finetune,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> GPT2Trunk:
        return cls(**config)
