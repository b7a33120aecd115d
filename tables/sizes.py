"""Counts Table 22: sizes of the architectures, counted by the library.

    python tables/sizes.py > tables/results/sizes.md

The cells of the paper's table have no source at hand; these come from the
models that the other tables train, with 64 tokens of 16 numbers and 10 classes
(its CIFAR-10). Nothing is trained. `trained` is what Keras trains, `paper` the
paper's count: no positions past the sequence, no bias of the head, no final
norm. A total leaves out the token table, which no row uses. A GPT-2 is built
with one block and with two, and every further one counts as the second.
"""

import keras_nlp

import keras_fpt
from keras_fpt import baselines

SHAPE = {"inputs": (64, 16), "outputs": 10}
# Blocks, width and heads (Radford et al., 2019).
GPT2 = {
    "GPT-2 base": (12, 768, 12),
    "GPT-2 medium": (24, 1024, 16),
    "GPT-2 large": (36, 1280, 20),
    "GPT-2 XL": (48, 1600, 25),
}
LSTMS = {
    "LSTM": {},
    "LSTM, 12 layers": {"num_layers": 12},
    "LSTM*": {"num_layers": 12, "residual": True, "positions": True},
}
KINDS = ("total", "trained", "paper")


def count(model) -> list[int]:
    """Parameters in total, trained, and as the paper counts."""
    total = model.finetune_summary(print_fn=lambda text: None)["total"]
    return [total[kind] for kind in KINDS]


def gpt2(num_layers: int, hidden_dim: int, num_heads: int) -> list[int]:
    one, two = (
        count(
            keras_fpt.FrozenPretrainedTransformer(
                keras_nlp.models.GPT2Backbone(
                    vocabulary_size=1,
                    num_layers=layers,
                    num_heads=num_heads,
                    hidden_dim=hidden_dim,
                    intermediate_dim=4 * hidden_dim,
                    max_sequence_length=1024,
                ),
                **SHAPE,
            )
        )
        for layers in (1, 2)
    )
    return [
        first + (num_layers - 1) * (second - first)
        for first, second in zip(one, two, strict=True)
    ]


def main() -> None:
    print("| architecture | layers | width | heads | total | trained | paper |")
    print("|---|---|---|---|---|---|---|")
    for name, sizes in GPT2.items():
        show(name, *sizes, gpt2(*sizes))
    for name, arguments in LSTMS.items():
        model = baselines.lstm(**SHAPE, **arguments, finetune="fpt")
        layers = arguments.get("num_layers", 3)
        show(f"{name}, frozen", layers, 768, "-", count(model))
    cnn = baselines.cnn(image_shape=(32, 32, 3), num_classes=10)
    show("CNN", "-", "-", "-", [cnn.count_params()] * 2 + ["-"])


def show(name, layers, width, heads, counts) -> None:
    cells = [f"{c:,}" if isinstance(c, int) else c for c in counts]
    print("|", " | ".join(map(str, (name, layers, width, heads, *cells))), "|")


if __name__ == "__main__":
    main()
