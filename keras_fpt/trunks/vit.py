"""ViT and DeiT: bidirectional blocks, pretrained on images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt.trunks.blocks import to_all_queries
from keras_fpt.trunks.hugging_face import EXACT_GELU
from keras_fpt.trunks.hugging_face import expect
from keras_fpt.trunks.options import DEFAULT_POSITIONS
from keras_fpt.trunks.trunk import Trunk
from keras_fpt.trunks.values import glorot_deviation


@keras.saving.register_keras_serializable(package="keras_fpt")
class ViTTrunk(Trunk):
    """The trunk in a `keras_nlp.models.ViTBackbone`.

    As in the paper, what is about images stays behind: patches, class token
    and the table of positions, which counts squares of another picture. A new
    table, of 1,024 positions unless `num_positions` says otherwise, starts
    from zeros; in a random trunk, whose biases are zeros, at the size of a
    word.

    Reference:
        [Dosovitskiy et al., 2020](https://arxiv.org/abs/2010.11929)
    """

    backbone_name = "ViTBackbone"
    model_type = "vit"
    vocabulary = {}
    dropouts = ("dropout_rate", "attention_dropout")
    owns_positions = False
    first_block = 1
    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (
            r"vit_encoder/transformer_block_{block}/ln_[12]/\w+",
            r"vit_encoder/ln/\w+",
        ),
        "attention": (r"vit_encoder/transformer_block_{block}/mha/.+",),
        "feed_forward": (
            r"vit_encoder/transformer_block_{block}/mlp/dense_[12]/\w+",
        ),
    }
    # keras-nlp leaves kernels to Keras' default, which is Glorot's.
    initial_values = (
        (r".+/gamma", 0.0, 1.0),
        (r".+/mlp/.+/bias", 1e-6, 0.0),
        (r".+/(beta|bias)", 0.0, 0.0),
        (r"position_embedding/embeddings", 0.0, 0.0),
        (r".+/kernel", glorot_deviation, 0.0),
    )
    encoder_name = "vit_encoder"

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        expect(config, hidden_act=EXACT_GELU, qkv_bias=True)
        return {"layer_norm_epsilon": config.get("layer_norm_eps", 1e-12)}

    def take_layers(self, backbone: Any) -> list[Any]:
        encoder = backbone.get_layer(self.encoder_name)
        self.final_norm = encoder.layer_norm
        self.embeddings_dropout = keras.layers.Dropout(
            self.config["dropout_rate"], dtype=self.dtype_policy
        )
        self.position_embedding = self._learned_positions(DEFAULT_POSITIONS)
        return encoder.encoder_layers

    def embed_positions(self, tokens: Any) -> Any:
        return self.embeddings_dropout(super().embed_positions(tokens))

    def block_context(self, x: Any, padding_mask: Any) -> Any:
        return to_all_queries(padding_mask)

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        # The block's own call has no place for a mask.
        attended = block.layer_norm_1(x)
        attended = block.mha(
            attended, attended, attention_mask=context, training=training
        )
        x = x + block.dropout(attended, training=training)
        return x + block.mlp(block.layer_norm_2(x), training=training)

    def block_attention(self, block: Any, x: Any, context: Any) -> Any:
        x = block.layer_norm_1(x)
        _, scores = block.mha(
            x, x, attention_mask=context, return_attention_scores=True
        )
        return scores  # (batch, heads, num_tokens, num_tokens)


@keras.saving.register_keras_serializable(package="keras_fpt")
class DeiTTrunk(ViTTrunk):
    """The trunk in a `keras_nlp.models.DeiTBackbone`.

    Reference:
        [Touvron et al., 2020](https://arxiv.org/abs/2012.12877)
    """

    backbone_name = "DeiTBackbone"
    model_type = "deit"
    encoder_name = "deit_encoder"
    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (
            r"deit_encoder/transformer_block_{block}/ln_[12]/\w+",
            r"deit_encoder/ln/\w+",
        ),
        "attention": (r"deit_encoder/transformer_block_{block}/mha/.+",),
        "feed_forward": (
            r"deit_encoder/transformer_block_{block}/mlp/dense/\w+",
            r"deit_encoder/transformer_block_{block}/output_layer/output/\w+",
        ),
    }

    def run_block(self, block: Any, x: Any, context: Any, training: Any) -> Any:
        return block(x, attention_mask=context, training=training)[0]
