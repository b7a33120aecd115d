"""How much faster is an epoch on features that were computed once?

    KERAS_BACKEND=torch python tables/benchmarks/features.py

trains the head alone of GPT-2 base (random values), on random tokens in the
shapes of the paper's tasks, with and without `keras_fpt.FeatureCache`: seconds
of an epoch that computes the trunk, of computing the features once, of an
epoch on them (the median of five), and how often as fast that is. Both train
through `model.fit`, in batches of the same size, from the same values; their
losses are compared.
"""

import argparse
import statistics
import time

import keras
import numpy as np
from shapes import gpt2_base

import keras_fpt

# Tokens and numbers in a token, outputs; examples of an epoch.
SHAPES = {
    "bit_xor": ((10, 1), (5, 2), 256),
    "bit_memory": ((120, 50), (20, 50, 2), 64),
    "cifar10": ((64, 48), 10, 128),
}
EPOCHS = 5


def epoch_seconds(model, x, y, batch_size, epochs):
    """Seconds of each epoch, and the loss of the first."""
    begins = []
    times = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: begins.append(time.perf_counter()),
        on_epoch_end=lambda *_: begins.append(time.perf_counter()),
    )
    model.compile(
        keras.optimizers.Adam(1e-3, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    history = model.fit(
        *(x, y, batch_size, epochs),
        verbose=0,
        shuffle=False,
        callbacks=[times],
    ).history
    return np.diff(begins)[::2], history["loss"][0]


def compare(shape, num_layers, batch_size):
    inputs, outputs, examples = SHAPES[shape]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(examples, *inputs)).astype("float32")
    answers = outputs if isinstance(outputs, tuple) else (outputs,)
    y = rng.integers(answers[-1], size=(examples, *answers[:-1]))
    model = keras_fpt.FrozenPretrainedTransformer(
        gpt2_base(num_layers, dropout=0.0),
        inputs=inputs,
        outputs=outputs,
        finetune="output_only",
        dropout=0.0,
    )
    head = [np.array(v) for v in model.get_layer("head").get_weights()]
    # The first epoch compiles.
    whole = epoch_seconds(model, x, y, batch_size, 2)
    model.get_layer("head").set_weights(head)
    features = keras_fpt.FeatureCache(model)
    begin = time.perf_counter()
    computed = features(x, batch_size)
    once = time.perf_counter() - begin
    cached = epoch_seconds(features.head, computed, y, batch_size, EPOCHS + 1)
    np.testing.assert_allclose(whole[1], cached[1], rtol=1e-3)
    return whole[0][1], once, statistics.median(cached[0][1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", default=list(SHAPES))
    parser.add_argument("--num-layers", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=16)
    arguments = parser.parse_args()
    print("| shape | epoch, s | features once, s | epoch on them, s | times |")
    print("|---|---|---|---|---|")
    for shape in arguments.shapes:
        whole, once, cached = compare(
            shape, arguments.num_layers, arguments.batch_size
        )
        print(
            f"| {shape} | {whole:.2f} | {once:.2f} | {cached:.4f} "
            f"| {whole / cached:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
