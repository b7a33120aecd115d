"""BERT: bidirectional blocks, learned positions, norms after each sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt.trunks.blocks import FEED_FORWARD
from keras_fpt.trunks.blocks import NORMS
from keras_fpt.trunks.blocks import EncoderBlocks
from keras_fpt.trunks.hugging_face import ACTIVATIONS
from keras_fpt.trunks.hugging_face import CONFIG_OVERRIDES
from keras_fpt.trunks.hugging_face import expect
from keras_fpt.trunks.hugging_face import set_overrides
from keras_fpt.trunks.trunk import Trunk

_POSITIONS = "position_embedding/embeddings"


class BertLikeTrunk(EncoderBlocks, Trunk):
    """The base class of BERT, RoBERTa and DistilBERT trunks.

    Its config may name an `activation` and a `layer_norm_epsilon`, which
    keras-nlp does not read from a Hugging Face preset. It computes BERT's
    GELU by a formula that approximates it, as Google's code did, where Hugging
    Face's presets ask for the exact one.
    """

    groups = {
        "positions": (_POSITIONS,),
        "layernorm": (*NORMS, r"embeddings_layer_norm/\w+"),
        "attention": (r"transformer_layer_{block}/self_attention_layer/.+",),
        "feed_forward": FEED_FORWARD,
    }
    # keras-nlp draws from N(0, 0.02), cut at two deviations.
    initial_values = (
        (r".+/gamma", 0.0, 1.0),
        (r".+/(beta|bias)", 0.0, 0.0),
        (r".+/kernel|.*position_embedding/embeddings", 0.02, 0.0),
    )
    config_overrides = CONFIG_OVERRIDES

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        expect(
            config,
            hidden_act=tuple(ACTIVATIONS),
            is_decoder=False,
            position_embedding_type="absolute",
        )
        return {
            "activation": config.get("hidden_act", "gelu"),
            "layer_norm_epsilon": config.get("layer_norm_eps", 1e-12),
        }

    def table_of(self, backbone: Any) -> Any:
        """The layer that holds the positions."""
        return backbone.embeddings.position_embedding

    def take_layers(self, backbone: Any) -> list[Any]:
        self.position_embedding = self.table_of(backbone)
        self.embeddings_norm = backbone.embeddings_layer_norm
        self.embeddings_dropout = backbone.embeddings_dropout
        blocks = backbone.transformer_layers
        set_overrides(self.config, blocks, (self.embeddings_norm,))
        return blocks

    def embed_positions(self, tokens: Any) -> Any:
        x = self.embeddings_norm(super().embed_positions(tokens))
        return self.embeddings_dropout(x)


@keras.saving.register_keras_serializable(package="keras_fpt")
class BertTrunk(BertLikeTrunk):
    """The trunk in a `keras_nlp.models.BertBackbone`.

    BERT adds to each token the vector of its segment; all of a sequence are of
    the first, whose vector the position table takes up. The pooler is left
    out.

    Reference:
        [Devlin et al., 2018](https://arxiv.org/abs/1810.04805)
    """

    backbone_name = "BertBackbone"
    model_type = "bert"

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        overrides = super().overrides_from_hugging_face(config)
        if "type_vocab_size" in config:
            overrides["num_segments"] = config["type_vocab_size"]
        return overrides

    @classmethod
    def values_of(cls, backbone: Any) -> dict[str, Any]:
        values = super().values_of(backbone)
        segment = values["segment_embedding/embeddings"][0]  # (hidden_dim,)
        return {**values, _POSITIONS: values[_POSITIONS] + segment}

    def table_of(self, backbone: Any) -> Any:
        return backbone.position_embedding
