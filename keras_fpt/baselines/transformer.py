"""The transformer without pretraining, all of it trained."""

from __future__ import annotations

from typing import Any

from keras_fpt.finetuning import Finetune
from keras_fpt.fpt import FrozenPretrainedTransformer
from keras_fpt.seeds import redraw
from keras_fpt.trunks import GPT2Trunk


def transformer(
    task: Any = None,
    *,
    num_layers: int = 12,
    hidden_dim: int = 768,
    num_heads: int | None = None,
    num_positions: int = 1024,
    finetune: Finetune = "full",
    dropout: float = 0.1,
    seed: int | None = None,
    name: str = "transformer",
    **kwargs: Any,
) -> FrozenPretrainedTransformer:
    """A GPT-2 of any size with random values, as a baseline for sequences.

    The paper's `Full` of Table 1 is the default; on CIFAR-10 it has
    `num_layers=3`. One layer is the control of one block.

    Args:
        task: a `keras_fpt.tasks.Task`, or `None` to pass `inputs` and
            `outputs`.
        num_layers: int. Defaults to `12`, those of GPT-2 base.
        hidden_dim: int. Defaults to `768`, GPT-2 base's.
        num_heads: int or `None`. Defaults to `None`, one for each 64 numbers
            of a hidden vector, as every GPT-2 has.
        num_positions: int. Defaults to `1024`, GPT-2's.
        finetune: string or tuple of strings. Defaults to `"full"`: all of it.
        dropout: float. Of input, embeddings, attention and residuals.
            Defaults to `0.1`.
        seed: int or `None`. Seed of all initial values. Defaults to `None`,
            Keras' global one.
        name: string. Defaults to `"transformer"`.
        **kwargs: the other arguments of `FrozenPretrainedTransformer`.

    Returns:
        A `FrozenPretrainedTransformer` that is neither of the first two.

    Raises:
        ValueError: if an argument does not fit the others.

    Example:

    ```python
    from keras_fpt import baselines

    task = keras_fpt.tasks.get("bit_xor")
    model = baselines.transformer(task, num_layers=3, hidden_dim=64)
    ```
    """
    num_heads = num_heads or max(1, hidden_dim // 64)
    if hidden_dim % num_heads:
        raise ValueError(
            "`num_heads` must divide `hidden_dim`. Received: "
            f"num_heads={num_heads}, hidden_dim={hidden_dim}"
        )
    trunk = GPT2Trunk(
        {
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": 4 * hidden_dim,
            "dropout": dropout,
            "max_sequence_length": num_positions,
        }
    )
    model = FrozenPretrainedTransformer(
        trunk,
        task,
        finetune=finetune,
        dropout=dropout,
        initialization="random",
        seed=seed,
        name=name,
        **kwargs,
    )
    redraw(model.layers, seed)
    return model
