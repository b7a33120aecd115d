"""Computes the steps of PyTorch's Adam on every backend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_fpt.optimizers.group_adam import GroupAdam


@keras.saving.register_keras_serializable(package="keras_fpt")
class Adam(GroupAdam):
    """Adam with epsilon where PyTorch has it, and rates for groups.

    The paper's models were trained with `torch.optim.Adam`, which corrects
    the moments first and adds epsilon then (Kingma and Ba, Algorithm 1).
    `keras.optimizers.Adam` adds epsilon to moments that are not corrected
    yet: in the first step, that is as if its epsilon were 31 times as large.
    Small gradients, such as those of position embeddings, then take smaller
    steps. The corrections are accurate to float32; 1 - 0.999, computed in
    float32, is not.

    Args:
        learning_rate: float, schedule or callable, as in
            `keras.optimizers.Adam`. Defaults to `1e-3`, the paper's for
            transformers.
        group_learning_rates: mapping from groups to floats, or `None`, as of
            `GroupAdam`. Only with it does the optimizer need to know the
            group of each variable. Defaults to `None`: one rate for all.
        epsilon: float. Added to the root of the corrected second moment.
            Defaults to `1e-8`, PyTorch's.
        **kwargs: the other arguments of `keras.optimizers.Adam`: `beta_1`,
            `beta_2`, `amsgrad`, `global_clipnorm` and so on. `weight_decay`
            is Keras': it is not added to the gradients, as PyTorch's Adam
            does, but taken from the values, as PyTorch's AdamW does.

    Raises:
        ValueError: as `GroupAdam`.

    Example:

    ```python
    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en", inputs=(16, 3), outputs=2
    )
    model.compile(
        keras_fpt.optimizers.Adam(1e-3, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    ```

    Reference:
        - [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980)
        - [torch.optim.Adam](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html)
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        group_learning_rates: Mapping[str, float] | None = None,
        epsilon: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, group_learning_rates, epsilon=epsilon, **kwargs
        )

    def update_step(
        self, gradient: Any, variable: Any, learning_rate: Any
    ) -> None:
        """Updates one variable, on TensorFlow and JAX."""
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        gradient = ops.cast(gradient, variable.dtype)
        step_size, root = (
            ops.cast(each, variable.dtype)
            for each in self._corrections([variable], learning_rate)
        )
        self.assign_add(
            m, ops.multiply(ops.subtract(gradient, m), 1 - self.beta_1)
        )
        self.assign_add(
            v,
            ops.multiply(
                ops.subtract(ops.square(gradient), v), 1 - self.beta_2
            ),
        )
        if self.amsgrad:
            largest = self._velocity_hats[index]
            self.assign(largest, ops.maximum(largest, v))
            v = largest
        self.assign_sub(
            variable,
            ops.divide(
                ops.multiply(m, step_size),
                ops.add(ops.divide(ops.sqrt(v), root), self.epsilon),
            ),
        )

    def _parallel_update_step(
        self, grads: Sequence[Any], variables: Sequence[Any], learning_rate: Any
    ) -> None:
        """Updates all variables at once, on PyTorch."""
        import torch

        indices = [self._get_variable_index(v) for v in variables]
        values = [variable.value for variable in variables]
        m, v = (
            [moments[index].value for index in indices]
            for moments in (self._momentums, self._velocities)
        )
        grads = list(grads)
        step_size, root = self._corrections(variables, learning_rate)
        torch._foreach_lerp_(m, grads, 1 - self.beta_1)
        torch._foreach_mul_(v, self.beta_2)
        torch._foreach_addcmul_(v, grads, grads, 1 - self.beta_2)
        if self.amsgrad:
            largest = [self._velocity_hats[i].value for i in indices]
            torch._foreach_maximum_(largest, v)
            v = largest
        denominators = torch._foreach_sqrt(v)
        torch._foreach_div_(denominators, root)
        torch._foreach_add_(denominators, self.epsilon)
        steps = torch._foreach_mul(m, step_size)
        torch._foreach_div_(steps, denominators)
        torch._foreach_sub_(values, steps)

    def _corrections(
        self, variables: Sequence[Any], learning_rate: Any
    ) -> tuple[Any, Any]:
        """Step size, and the root that the second moment's is divided by.

        Both undo that the moments start from zeros. In bfloat16 the number of
        the step, from 257 on, and the powers would be wrong.
        """
        dtypes = {keras.backend.standardize_dtype(v.dtype) for v in variables}
        exact = "float64" if "float64" in dtypes else "float32"
        step = ops.cast(self.iterations + 1, exact)
        # 1 - beta ** step
        first, second = (
            -ops.expm1(step * math.log(beta))
            for beta in (self.beta_1, self.beta_2)
        )
        return ops.cast(learning_rate, exact) / first, ops.sqrt(second)
