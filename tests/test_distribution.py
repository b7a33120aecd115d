"""One run over several devices: Keras' data parallelism, on JAX."""

import json

import keras
import numpy as np
import pytest
from conftest import run_python

RUN = """
import json, sys
import keras
import keras_fpt

if sys.argv[1] == "parallel":
    keras.distribution.set_distribution(keras.distribution.DataParallel())
keras.utils.set_random_seed(0)
task = keras_fpt.tasks.BitXor(num_bits=3)
model = keras_fpt.FrozenPretrainedTransformer.from_preset(
    sys.argv[2], task=task
)
model.compile(**task.compile_args(1e-2))
history = model.fit(
    task.train_data(16), steps_per_epoch=5, epochs=2, shuffle=False, verbose=0
).history
devices = len(keras.distribution.list_devices())
loss, _ = model.evaluate(task.test_data(64), verbose=0)
print(json.dumps([devices, history["loss"], loss]))
"""


@pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="Keras distributes on JAX"
)
def test_four_devices_compute_what_one_does(tiny_preset):
    single, parallel = (
        json.loads(
            run_python(
                RUN,
                *(how, tiny_preset),
                backend="jax",
                XLA_FLAGS="--xla_force_host_platform_device_count=4",
            ).splitlines()[-1]
        )
        for how in ("single", "parallel")
    )
    assert single[0] == parallel[0] == 4
    np.testing.assert_allclose(parallel[1], single[1], rtol=1e-4)
    np.testing.assert_allclose(parallel[2], single[2], rtol=1e-4)
    assert parallel[1][1] < parallel[1][0]
