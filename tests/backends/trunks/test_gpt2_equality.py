"""GPT-2 is equal to Hugging Face's, in training too."""

import keras
import numpy as np
import pytest
from helpers.backbones import TINY

import keras_fpt
from keras_fpt import trunks

# Through the step as Keras compiles it.
pytestmark = pytest.mark.compiled

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

FPT = keras_fpt.FrozenPretrainedTransformer
NUM_TOKENS, TOKEN_DIM, NUM_CLASSES, READ = 6, 3, 4, 2
STEPS, BATCH_SIZE = 5, 8


@pytest.fixture
def gpt2(tmp_path):
    """A random Hugging Face GPT-2, and the folder that it is saved in."""
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=TINY["vocabulary_size"],
        n_positions=TINY["max_sequence_length"],
        n_embd=TINY["hidden_dim"],
        n_layer=TINY["num_layers"],
        n_head=TINY["num_heads"],
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    model = transformers.GPT2Model(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn_like(weight)
    model.save_pretrained(tmp_path)
    return model, str(tmp_path)


def test_trunk_equals_gpt2_on_embedded_inputs(gpt2):
    model, folder = gpt2
    trunk = trunks.from_preset(folder, dropout=0.0)
    tokens = np.random.default_rng(0).normal(size=(4, 32, 16)).astype("float32")
    with torch.no_grad():
        expected = model.eval()(inputs_embeds=torch.tensor(tokens))
    computed = keras.ops.convert_to_numpy(trunk(tokens, training=False))
    np.testing.assert_allclose(
        computed, expected.last_hidden_state.numpy(), atol=1e-5, rtol=0
    )


def test_padding_mask_equals_gpt2_at_real_tokens(gpt2):
    model, folder = gpt2
    trunk = trunks.from_preset(folder, dropout=0.0)
    tokens = np.random.default_rng(0).normal(size=(3, 8, 16)).astype("float32")
    mask = np.arange(8) < np.array([[8], [5], [1]])
    with torch.no_grad():
        expected = model.eval()(
            inputs_embeds=torch.tensor(tokens),
            attention_mask=torch.tensor(mask).long(),
        ).last_hidden_state.numpy()
    computed = keras.ops.convert_to_numpy(
        trunk(tokens, padding_mask=keras.ops.convert_to_tensor(mask))
    )
    np.testing.assert_allclose(
        computed[mask], expected[mask], atol=1e-5, rtol=0
    )


def test_attention_maps_equal_gpt2(gpt2):
    model, folder = gpt2
    model.set_attn_implementation("eager")
    trunk = trunks.from_preset(folder, dropout=0.1)
    tokens = np.random.default_rng(0).normal(size=(2, 7, 16)).astype("float32")
    with torch.no_grad():
        expected = model.eval()(
            inputs_embeds=torch.tensor(tokens), output_attentions=True
        ).attentions
    for layer in range(2):
        scores = trunk.attention_scores(
            keras.ops.convert_to_tensor(tokens), layer
        )
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(scores),
            expected[layer].numpy(),
            atol=1e-5,
            rtol=0,
        )


class Loop:
    """The original's training loop: what it freezes, clips and steps."""

    def __init__(self, gpt2, weights):
        def parameter(path):
            return torch.nn.Parameter(torch.tensor(weights[path].copy()))

        self.gpt2 = gpt2.train()
        self.input = parameter("input_projection/kernel")
        self.input_bias = parameter("input_projection/bias")
        self.head = parameter("head/kernel")
        self.head_bias = parameter("head/bias")
        for name, weight in gpt2.named_parameters():
            weight.requires_grad = "ln_" in name or "wpe" in name
        self.trained = [
            self.input,
            self.input_bias,
            self.head,
            self.head_bias,
            *(w for w in gpt2.parameters() if w.requires_grad),
        ]
        self.adam = torch.optim.Adam(self.trained, lr=1e-3)

    def step(self, x, y):
        hidden = torch.tensor(x) @ self.input + self.input_bias
        hidden = self.gpt2(inputs_embeds=hidden).last_hidden_state
        logits = hidden[:, -READ:] @ self.head + self.head_bias
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, NUM_CLASSES), torch.tensor(y).reshape(-1)
        )
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.adam.step()
        return float(loss.detach())


def test_five_steps_give_the_losses_of_the_original_loop(gpt2):
    """On every backend: so the three backends agree with each other, too."""
    gpt2_model, folder = gpt2

    class Task(keras_fpt.tasks.Task):
        inputs, outputs = (NUM_TOKENS, TOKEN_DIM), (READ, NUM_CLASSES)

        def sample(self, rng, batch_size):
            x = rng.normal(size=(batch_size, *self.inputs)).astype("float32")
            return x, rng.integers(NUM_CLASSES, size=(batch_size, READ))

    task = Task()
    model = FPT.from_preset(folder, task=task, dropout=0.0)
    rng = np.random.default_rng(1)
    weights = {}
    for weight in model.weights:
        if weight.path.startswith(("input", "head")):
            weights[weight.path] = rng.normal(
                scale=0.3, size=weight.shape
            ).astype("float32")
            weight.assign(weights[weight.path].copy())
    loop = Loop(gpt2_model, weights)
    model.compile(**task.compile_args())

    stream = task.train_data(BATCH_SIZE)
    computed, expected = [], []
    for index in range(STEPS):
        x, y = stream[index]
        computed.append(
            float(model.train_on_batch(x, y, return_dict=True)["loss"])
        )
        expected.append(loop.step(x, y))
        model.reset_metrics()
    np.testing.assert_allclose(computed, expected, atol=2e-6, rtol=0)
    assert len(set(np.round(expected, 3))) == STEPS  # it moves
    # With Keras' epsilon, positions would differ by 1.7e-6.
    for path, parameter in (
        ("position_embedding/embeddings", gpt2_model.wpe.weight),
        ("input_projection/kernel", loop.input),
        ("head/bias", loop.head_bias),
    ):
        (weight,) = (w for w in model.weights if w.path.endswith(path))
        trained = parameter.detach().numpy()
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(weight), trained, atol=2e-7, rtol=0
        )
