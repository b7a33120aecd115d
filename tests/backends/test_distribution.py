"""One run over several devices: Keras' data parallelism, on JAX."""

import json

import numpy as np
from helpers.marks import jax_only
from helpers.processes import run_python

RUN = """
import json, sys
import keras
import keras_fpt

def train():
    keras.utils.set_random_seed(0)
    task = keras_fpt.tasks.BitXor(num_bits=3)
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        sys.argv[1], task=task
    )
    model.compile(**task.compile_args(1e-2))
    history = model.fit(
        task.train_data(16),
        steps_per_epoch=5,
        epochs=2,
        shuffle=False,
        verbose=0,
    ).history
    loss, _ = model.evaluate(task.test_data(64), verbose=0)
    devices = {d for v in model.weights for d in v.value.devices()}
    return len(devices), history["loss"], loss

single = train()
keras.distribution.set_distribution(keras.distribution.DataParallel())
print(json.dumps([single, train()]))
"""


@jax_only  # Keras distributes on JAX
def test_four_devices_compute_what_one_does(tiny_preset):
    printed = run_python(
        RUN,
        tiny_preset,
        XLA_FLAGS="--xla_force_host_platform_device_count=4",
    )
    single, parallel = json.loads(printed.splitlines()[-1])
    assert (single[0], parallel[0]) == (1, 4)
    np.testing.assert_allclose(parallel[1], single[1], rtol=1e-4)
    np.testing.assert_allclose(parallel[2], single[2], rtol=1e-4)
    assert parallel[1][1] < parallel[1][0]
