"""OPT: causal blocks, learned positions, a final norm, ReLU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt.trunks.blocks import DecoderBlocks
from keras_fpt.trunks.gpt2 import GPT2Trunk
from keras_fpt.trunks.hugging_face import expect
from keras_fpt.trunks.trunk import Trunk


@keras.saving.register_keras_serializable(package="keras_fpt")
class OPTTrunk(DecoderBlocks, Trunk):
    """The trunk in a `keras_nlp.models.OPTBackbone`.

    Reference:
        [Zhang et al., 2022](https://arxiv.org/abs/2205.01068)
    """

    backbone_name = "OPTBackbone"
    model_type = "opt"
    groups = {
        **GPT2Trunk.groups,
        "positions": (r"embeddings/position_embedding/embeddings",),
    }
    # keras-nlp's scheme: N(0, 0.02), as the paper says.
    initial_values = (
        (r".+/gamma", 0.0, 1.0),
        (r".+/(beta|bias)", 0.0, 0.0),
        (r".+/kernel|.+/embeddings", 0.02, 0.0),
    )

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        expect(
            config,
            activation_function="relu",
            do_layer_norm_before=True,
            _remove_final_layer_norm=False,
            enable_bias=True,
            layer_norm_elementwise_affine=True,
            word_embed_proj_dim=config["hidden_size"],
        )
        return {}

    def take_layers(self, backbone: Any) -> list[Any]:
        self.position_embedding = backbone.embeddings.position_embedding
        self.final_norm = backbone.layer_norm
        return backbone.transformer_layers
