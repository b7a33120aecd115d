"""GPT-2: causal blocks, learned positions, a final norm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt.layers.dropout import Dropout
from keras_fpt.trunks.blocks import FEED_FORWARD
from keras_fpt.trunks.blocks import NORMS
from keras_fpt.trunks.blocks import DecoderBlocks
from keras_fpt.trunks.hugging_face import ACTIVATIONS
from keras_fpt.trunks.hugging_face import CONFIG_OVERRIDES
from keras_fpt.trunks.hugging_face import expect
from keras_fpt.trunks.hugging_face import set_overrides
from keras_fpt.trunks.trunk import Trunk


@keras.saving.register_keras_serializable(package="keras_fpt")
class GPT2Trunk(DecoderBlocks, Trunk):
    """The trunk in a `keras_nlp.models.GPT2Backbone`.

    Reference:
        [Radford et al., 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)
    """

    backbone_name = "GPT2Backbone"
    model_type = "gpt2"
    groups = {
        "positions": (r"position_embedding/embeddings",),
        "layernorm": (*NORMS, r"layer_norm/\w+"),
        "attention": (r"transformer_layer_{block}/self_attention/.+",),
        "feed_forward": FEED_FORWARD,
    }
    # keras-nlp draws kernels and positions from N(0, 0.02), as OpenAI did.
    initial_values = (
        (r".+/gamma", 0.0, 1.0),
        (r".+/(beta|bias)", 0.0, 0.0),
        (r".+/kernel|position_embedding/embeddings", 0.02, 0.0),
    )

    config_overrides = CONFIG_OVERRIDES

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        expect(
            config,
            activation_function=tuple(ACTIVATIONS),
            scale_attn_weights=True,
            scale_attn_by_inverse_layer_idx=False,
        )
        overrides = {
            "activation": config.get("activation_function", "gelu_new"),
            "layer_norm_epsilon": config.get("layer_norm_epsilon", 1e-5),
        }
        if config.get("n_inner") is not None:
            overrides["intermediate_dim"] = config["n_inner"]
        return overrides

    def take_layers(self, backbone: Any) -> list[Any]:
        self.position_embedding = backbone.position_embedding
        self.embeddings_dropout = Dropout(
            self.config["dropout"],
            dtype=self.dtype_policy,
            name="embeddings_dropout",
        )
        self.final_norm = backbone.layer_norm
        blocks = backbone.transformer_layers
        set_overrides(self.config, blocks, (self.final_norm,))
        return blocks

    def embed_positions(self, tokens: Any) -> Any:
        return self.embeddings_dropout(super().embed_positions(tokens))
