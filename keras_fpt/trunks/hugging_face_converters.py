"""Converts Hugging Face's OPT and T5, which keras-nlp does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


class OPTConverter:
    """Hugging Face's OPT as keras-nlp's."""

    @staticmethod
    def backbone(config: Mapping[str, Any], **arguments: Any) -> Any:
        import keras_nlp

        sizes = {
            "vocabulary_size": config["vocab_size"],
            "num_layers": config["num_hidden_layers"],
            "num_heads": config["num_attention_heads"],
            "hidden_dim": config["hidden_size"],
            "intermediate_dim": config["ffn_dim"],
            "max_sequence_length": config["max_position_embeddings"],
        }
        return keras_nlp.models.OPTBackbone(**{**sizes, **arguments})

    @staticmethod
    def convert_weights(
        backbone: Any, model: Any, config: Mapping[str, Any]
    ) -> None:
        def put(layer: Any, name: str) -> None:
            for variable in layer.weights:
                is_kernel = variable.name == "kernel"
                end = "bias" if variable.name in ("bias", "beta") else "weight"
                model.port_weight(
                    variable,
                    f"decoder.{name}.{end}",
                    _transposed if is_kernel else _reshaped,
                )

        table = backbone.embeddings
        model.port_weight(
            table.token_embedding.embeddings, "decoder.embed_tokens.weight"
        )
        model.port_weight(
            table.position_embedding.position_embeddings,
            "decoder.embed_positions.weight",
            # It begins with two rows that nothing reads.
            lambda x, _: x[2:],
        )
        put(backbone.layer_norm, "final_layer_norm")
        for i, block in enumerate(backbone.transformer_layers):
            attention = block._self_attention_layer
            for layer, name in (
                (attention.query_dense, "self_attn.q_proj"),
                (attention.key_dense, "self_attn.k_proj"),
                (attention.value_dense, "self_attn.v_proj"),
                (attention.output_dense, "self_attn.out_proj"),
                (block._self_attention_layer_norm, "self_attn_layer_norm"),
                (block._feedforward_intermediate_dense, "fc1"),
                (block._feedforward_output_dense, "fc2"),
                (block._feedforward_layer_norm, "final_layer_norm"),
            ):
                put(layer, f"layers.{i}.{name}")


class T5Converter:
    """Hugging Face's T5 as keras-nlp's; its decoder stays as it is drawn."""

    @staticmethod
    def backbone(config: Mapping[str, Any], **arguments: Any) -> Any:
        import keras_nlp

        gated = str(config.get("feed_forward_proj", "relu")).startswith("gated")
        approximate = keras.saving.get_registered_object(
            "keras_hub>gelu_approximate"
        )
        sizes = {
            "vocabulary_size": config["vocab_size"],
            "num_layers": config["num_layers"],
            "num_heads": config["num_heads"],
            "hidden_dim": config["d_model"],
            "intermediate_dim": config["d_ff"],
            "key_value_dim": config["d_kv"],
            "layer_norm_epsilon": config.get("layer_norm_epsilon", 1e-6),
            "activation": approximate if gated else "relu",
            "use_gated_activation": gated,
        }
        return keras_nlp.models.T5Backbone(**{**sizes, **arguments})

    @staticmethod
    def convert_weights(
        backbone: Any, model: Any, config: Mapping[str, Any]
    ) -> None:
        model.port_weight(backbone.token_embedding.embeddings, "shared.weight")
        model.port_weight(
            backbone.encoder_layer_norm.weight,
            "encoder.final_layer_norm.weight",
        )
        for i, block in enumerate(backbone.encoder_transformer_layers):
            attend, feed = (
                f"encoder.block.{i}.layer.0",
                f"encoder.block.{i}.layer.1",
            )
            attention, dense = block.self_attention, f"{feed}.DenseReluDense"
            for variable, name in (
                (
                    block.self_attention_layer_norm.weight,
                    f"{attend}.layer_norm",
                ),
                (block.layer_norm.weight, f"{feed}.layer_norm"),
            ):
                model.port_weight(variable, f"{name}.weight")
            gated = block.use_gated_activation
            layers = {
                f"{attend}.SelfAttention.q": attention.query_projector,
                f"{attend}.SelfAttention.k": attention.key_projector,
                f"{attend}.SelfAttention.v": attention.value_projector,
                f"{attend}.SelfAttention.o": attention.output_projector,
                f"{dense}.{'wi_0' if gated else 'wi'}": block.input_projector,
                f"{dense}.wo": block.output_projector,
            }
            if gated:
                layers[f"{dense}.wi_1"] = block.gate_projector
            for name, layer in layers.items():
                model.port_weight(layer.kernel, f"{name}.weight", _transposed)
        # The first block owns the worth of distances; all of them use it.
        first = backbone.encoder_transformer_layers[0].self_attention
        model.port_weight(
            first.relative_attention_bias,
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias"
            ".weight",
        )


def _transposed(x: np.ndarray, shape: Any) -> np.ndarray:
    return np.reshape(np.transpose(x), shape)


def _reshaped(x: np.ndarray, shape: Any) -> np.ndarray:
    return np.reshape(x, shape)


# Hugging Face's name of a family -> what converts it.
CONVERTERS: dict[str, Any] = {"opt": OPTConverter, "t5": T5Converter}
