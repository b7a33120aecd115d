"""One arm of `throughput.py`: a process that trains as it is told.

It builds one model, then answers each line of its standard input by a line of
JSON: `ceiling DTYPE`, `losses N`, `first`, `train N`, `evaluate N`, `memory`.
Only one arm computes at a time.
"""

import json
import os
import sys
import time

import numpy as np

from keras_fpt.experiments import environment

# Shape: tokens, numbers in a token, outputs, batch. The paper's tasks.
SHAPES = {
    "bit_xor": ((10, 1), (5, 2), 4),
    "bit_memory": ((120, 50), (20, 50, 2), 4),
    "cifar10": ((64, 48), (10,), 16),
    "cifar10_lra": ((1024, 1), (10,), 2),
}
LEARNING_RATE = 1e-3
# Policies of the library, by their arguments.
POLICIES = {
    "float32": {"dtype": "float32"},
    "mixed_bfloat16": {"dtype": "mixed_bfloat16"},
    "frozen_bfloat16": {"dtype": "mixed_bfloat16", "quantization": "bfloat16"},
}
# The side of the matrices that are multiplied for the ceiling.
SIZE = 2048


def data(shape: str) -> tuple[np.ndarray, np.ndarray]:
    """One batch, the same for every arm."""
    tokens, outputs, batch = SHAPES[shape]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, *tokens)).astype("float32")
    y = rng.integers(outputs[-1], size=(batch, *outputs[:-1]))
    return x, y.astype("int32")


def ends(folder: str, shape: str) -> dict[str, np.ndarray]:
    """Values of input layer and head, the same for every arm."""
    (_, token_dim), outputs, _ = SHAPES[shape]
    with open(os.path.join(folder, "config.json")) as file:
        hidden_dim = json.load(file)["n_embd"]
    rng = np.random.default_rng(1)
    head = int(np.prod(outputs if len(outputs) == 1 else outputs[1:]))
    return {
        "input": rng.normal(size=(token_dim, hidden_dim)).astype("float32"),
        "head": 0.02 * rng.normal(size=(hidden_dim, head)).astype("float32"),
    }


class HuggingFaceLoop:
    """What people write by hand: a PyTorch loop around GPT2Model."""

    def __init__(self, folder, shape, policy, dropout):
        import torch
        import transformers

        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(0)
        (_, token_dim), outputs, _ = SHAPES[shape]
        trunk = transformers.GPT2Model.from_pretrained(
            folder, resid_pdrop=dropout, embd_pdrop=dropout, attn_pdrop=dropout
        )
        values = ends(folder, shape)
        hidden_dim, head_dim = values["head"].shape
        first = torch.nn.Linear(token_dim, hidden_dim)
        head = torch.nn.Linear(hidden_dim, head_dim)
        for layer, name in ((first, "input"), (head, "head")):
            layer.weight.data = torch.from_numpy(values[name].T.copy())
            layer.bias.data.zero_()
        for name, parameter in trunk.named_parameters():
            parameter.requires_grad = "ln_" in name or "wpe" in name
        self.parts = torch.nn.ModuleList(
            [first, torch.nn.Dropout(dropout), trunk, head]
        )
        self.parts.to(self.device)
        trained = [p for p in self.parts.parameters() if p.requires_grad]
        self.trained = trained
        self.optimizer = torch.optim.Adam(trained, LEARNING_RATE)
        self.autocast = policy == "autocast_bfloat16"
        self.read = outputs[0] if len(outputs) > 1 else 1
        self.outputs = outputs
        self.x, self.y = (
            torch.from_numpy(array).to(self.device) for array in data(shape)
        )
        self.y = self.y.long()

    def logits(self):
        first, drop, trunk, head = self.parts
        with self.torch.autocast(
            self.device, self.torch.bfloat16, enabled=self.autocast
        ):
            hidden = trunk(
                inputs_embeds=drop(first(self.x)), use_cache=False
            ).last_hidden_state
            answer = head(hidden[:, -self.read :])
        return answer.float().reshape(len(self.x), *self.outputs)

    def train(self, steps):
        self.parts.train()
        losses = []
        for _ in range(steps):
            self.optimizer.zero_grad()
            loss = self.torch.nn.functional.cross_entropy(
                self.logits().flatten(0, -2), self.y.flatten()
            )
            loss.backward()
            self.torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
            self.optimizer.step()
            losses.append(loss.item())
        return losses

    def evaluate(self, steps):
        self.parts.eval()
        with self.torch.no_grad():
            for _ in range(steps):
                self.logits().cpu().numpy()

    def product(self, dtype):
        matrix = self.torch.ones(
            SIZE, SIZE, dtype=getattr(self.torch, dtype), device=self.device
        )
        return lambda: float((matrix @ matrix)[0, 0])

    def device_memory(self):
        if self.device == "cpu":
            return None
        return self.torch.cuda.max_memory_allocated()


class KerasFPT:
    """The library, through `compile`, `fit` and `predict`."""

    def __init__(self, folder, shape, policy, dropout):
        import keras

        import keras_fpt

        self.keras = keras
        keras.utils.set_random_seed(0)
        inputs, outputs, self.batch = SHAPES[shape]
        self.model = keras_fpt.FrozenPretrainedTransformer.from_preset(
            folder,
            inputs=inputs,
            outputs=outputs if len(outputs) > 1 else outputs[0],
            dropout=dropout,
            **POLICIES[policy],
        )
        values = ends(folder, shape)
        for layer, name in (("input_projection", "input"), ("head", "head")):
            layer = self.model.get_layer(layer)
            layer.kernel.assign(values[name])
            layer.bias.assign(np.zeros(layer.bias.shape))
        self.model.compile(
            keras_fpt.optimizers.Adam(LEARNING_RATE, global_clipnorm=1.0),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self.x, self.y = data(shape)

    def train(self, steps):
        repeated = [np.concatenate([v] * steps) for v in (self.x, self.y)]
        losses = []
        note = self.keras.callbacks.LambdaCallback(
            on_batch_end=lambda step, logs: losses.append(float(logs["loss"]))
        )
        self.model.fit(
            *repeated,
            batch_size=self.batch,
            shuffle=False,
            verbose=0,
            callbacks=[note],
        )
        # Keras shows the mean over the epoch so far.
        sums = np.array(losses) * np.arange(1, steps + 1)
        return np.diff(sums, prepend=0).tolist()

    def evaluate(self, steps):
        self.model.predict(
            np.concatenate([self.x] * steps), self.batch, verbose=0
        )

    def product(self, dtype):
        ops = self.keras.ops
        matrix = ops.ones((SIZE, SIZE), dtype)
        return lambda: float(
            ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32")
        )

    def device_memory(self):
        return environment.device_peak_memory()


def ceiling(product, times=6) -> float:
    """What a matrix product reaches here, in TFLOP/s: the best of a few."""
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        product()
        seconds.append(time.perf_counter() - begin)
    return 2 * SIZE**3 / min(seconds) / 1e12


def main() -> None:
    kind, policy, folder, shape, dropout = sys.argv[1:]
    # Answers alone go to the parent.
    answers, sys.stdout = sys.stdout, sys.stderr
    if kind == "hugging_face":
        import torch  # noqa: F401
        import transformers  # noqa: F401

        arm = HuggingFaceLoop
    else:
        import keras_nlp  # noqa: F401

        import keras_fpt  # noqa: F401

        arm = KerasFPT
    imported = environment.host_peak_memory_mb()
    begin = time.perf_counter()
    arm = arm(folder, shape, policy, float(dropout))
    built = environment.host_peak_memory_mb() - imported
    environment.reset_peak_memory()

    def answer(command, steps="0"):
        if command == "ceiling":
            return ceiling(arm.product(steps))
        steps, start = int(steps), time.perf_counter()
        if command == "losses":
            return arm.train(steps)
        if command == "first":
            arm.train(1)
            return time.perf_counter() - begin
        if command == "memory":
            on_device = arm.device_memory()
            return {
                "building": built,
                "training": environment.host_peak_memory_mb() - imported
                if on_device is None
                else on_device / 2**20,
            }
        {"train": arm.train, "evaluate": arm.evaluate}[command](steps)
        return (time.perf_counter() - start) / steps

    for line in sys.stdin:
        print(json.dumps(answer(*line.split())), file=answers, flush=True)


if __name__ == "__main__":
    main()
