"""Frozen pretrained transformers, for sequences of anything.

A sequence of anything goes in, a frozen pretrained transformer computes, a
linear head reads the answer out.
"""

from keras_fpt.backend import check_backend

check_backend()  # before the first import of Keras, which would say less

from keras_fpt import baselines  # noqa: E402
from keras_fpt import experiments  # noqa: E402
from keras_fpt import layers  # noqa: E402
from keras_fpt import optimizers  # noqa: E402
from keras_fpt import presets  # noqa: E402
from keras_fpt import tasks  # noqa: E402
from keras_fpt.attention import attention_maps  # noqa: E402
from keras_fpt.experiments.compare import compare  # noqa: E402
from keras_fpt.features import FeatureCache  # noqa: E402
from keras_fpt.fpt import FrozenPretrainedTransformer  # noqa: E402
from keras_fpt.replicas import Replicas  # noqa: E402

__version__ = "0.1.0"

__all__ = [
    "FeatureCache",
    "FrozenPretrainedTransformer",
    "Replicas",
    "attention_maps",
    "baselines",
    "compare",
    "experiments",
    "layers",
    "optimizers",
    "presets",
    "tasks",
]
