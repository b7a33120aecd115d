"""RoBERTa and DistilBERT: BERT's blocks without its segments."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import keras

from keras_fpt.trunks.bert import BertLikeTrunk
from keras_fpt.trunks.hugging_face import ACTIVATIONS
from keras_fpt.trunks.hugging_face import expect


@keras.saving.register_keras_serializable(package="keras_fpt")
class RobertaTrunk(BertLikeTrunk):
    """The trunk in a `keras_nlp.models.RobertaBackbone` or XLM-RoBERTa's.

    Reference:
        [Liu et al., 2019](https://arxiv.org/abs/1907.11692)
    """

    backbone_name = "RobertaBackbone"
    model_type = "roberta"
    groups = {
        **BertLikeTrunk.groups,
        "positions": (r"embeddings/position_embedding/embeddings",),
    }

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        # Positions begin in the row after padding's; keras-nlp drops two.
        expect(config, pad_token_id=1)
        return super().overrides_from_hugging_face(config)

    @classmethod
    def add_hugging_face_values(cls, backbone: Any, model: Any) -> None:
        # As in BERT, all tokens are of the first segment: the position table
        # takes up its vector, which RoBERTa's own release left at zeros.
        with contextlib.suppress(KeyError):
            segments = model.get_tensor(
                "embeddings.token_type_embeddings.weight"
            )
            table = backbone.embeddings.position_embedding.position_embeddings
            table.assign(table + segments[0])


@keras.saving.register_keras_serializable(package="keras_fpt")
class DistilBertTrunk(BertLikeTrunk):
    """The trunk in a `keras_nlp.models.DistilBertBackbone`.

    Reference:
        [Sanh et al., 2019](https://arxiv.org/abs/1910.01108)
    """

    backbone_name = "DistilBertBackbone"
    model_type = "distilbert"
    groups = {
        **BertLikeTrunk.groups,
        "positions": (
            r"token_and_position_embedding/position_embedding/embeddings",
        ),
    }

    @classmethod
    def overrides_from_hugging_face(
        cls, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        expect(config, activation=tuple(ACTIVATIONS))
        return {"activation": config.get("activation", "gelu")}
