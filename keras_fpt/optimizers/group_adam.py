"""Trains each parameter group at a learning rate of its own."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_fpt.finetuning import GROUPS
from keras_fpt.finetuning import LORA

# On PyTorch, Keras puts another class in the place of Adam, which updates all
# variables at once: six times as fast for 150 of them.
_Adam: Any = type(keras.optimizers.Adam.__new__(keras.optimizers.Adam))
_AdamW: Any = type(keras.optimizers.AdamW.__new__(keras.optimizers.AdamW))


@keras.saving.register_keras_serializable(package="keras_fpt")
class GroupAdam(_Adam):
    """Adam that trains chosen parameter groups at learning rates of their own.

    Moments, gradient clipping and all else are those of Keras' Adam: a global
    norm is that of all gradients together, before the rates apply.
    `keras_fpt.optimizers.Adam` is the same with the steps of PyTorch's Adam.

    With rates for groups it needs to know the group of each variable. The
    models of this library tell it when they are compiled; another model's
    user calls `set_groups`.

    Args:
        learning_rate: float, schedule or callable, as in
            `keras.optimizers.Adam`. The rate of all groups that
            `group_learning_rates` does not name. Assigning to the attribute,
            callbacks and schedules act on these groups alone. Defaults to
            `1e-3`, the paper's for transformers.
        group_learning_rates: mapping from groups, `"input"`, `"positions"`,
            `"layernorm"`, `"attention"`, `"feed_forward"`, `"recurrent"`,
            `"lora"` or `"output"`, to floats. A rate stays as it is given,
            under a schedule too; 0 trains nothing. Defaults to `None`: one
            rate for all.
        **kwargs: the other arguments of `keras.optimizers.Adam`. A weight
            decay is multiplied by the rate of the group, as Adam multiplies
            it by its own.

    Raises:
        ValueError: if there is no such group or a rate is no number of at
            least 0; when variables are trained of which it does not know the
            group.

    Example:

    ```python
    from keras_fpt.optimizers import GroupAdam

    model = keras_fpt.FrozenPretrainedTransformer.from_preset(
        "gpt2_tiny_en",
        inputs=(16, 3),
        outputs=2,
        finetune=("fpt", "attention"),
    )
    model.compile(
        GroupAdam(1e-3, {"attention": 1e-5}, global_clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    ```

    Reference:
        [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980)
    """

    # Keras' optimizers have no public place between gradients and steps: the
    # methods with an underscore are theirs, and checked by the tests alone.

    # The rate that weight decay goes by, while that of a group is at work.
    _rate: float | None = None
    # The argument by which the rates came in: errors name it.
    _argument: str = "group_learning_rates"
    _groups: Mapping[str, str] = {}
    # Of variables that a config excludes from weight decay, until `build`.
    _excluded_paths: Sequence[str] = ()

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        group_learning_rates: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        rates = _checked_rates(group_learning_rates or {}, self._argument)
        super().__init__(learning_rate, **kwargs)
        self.group_learning_rates = rates

    @classmethod
    def of(cls, optimizer: Any, rates: Mapping[str, float]) -> GroupAdam:
        """Gives an Adam rates for groups, as `learning_rates` of `compile`.

        The optimizer itself changes, rather than a copy: its state, what it
        excludes from weight decay, and what is set on it later stay in force.

        Args:
            optimizer: an Adam or AdamW of Keras, one of this library, or a
                name that Keras knows. It keeps the steps that it takes.
            rates: mapping from groups to floats.

        Raises:
            ValueError: if it is another optimizer; if there is no such group
                or a rate is no number of at least 0.
        """
        optimizer = keras.optimizers.get(optimizer)
        # A class derived from these may take steps of its own.
        plain = type(optimizer) in (_Adam, _AdamW)
        if not plain and not isinstance(optimizer, cls):
            raise ValueError(
                "`learning_rates` works with keras.optimizers.Adam and AdamW, "
                "and with keras_fpt.optimizers. Received: "
                f"{type(optimizer).__name__}"
            )
        checked = _checked_rates(rates, "learning_rates")
        if plain:
            optimizer.__class__ = cls
        optimizer.set_rates(checked)
        return optimizer

    def set_rates(self, rates: Mapping[str, float]) -> None:
        """Puts rates that `compile` was given in the place of those before.

        Args:
            rates: mapping from groups to floats.
        """
        self._argument = "learning_rates"
        self.group_learning_rates = _checked_rates(rates, self._argument)

    def set_groups(self, groups: Mapping[str, str]) -> None:
        """Says which variable is of which group.

        Args:
            groups: mapping from the paths of the trained variables to groups.

        Raises:
            ValueError: if there is no such group, or `group_learning_rates`
                names one of which no variable is trained.
        """
        _check_known("groups", groups.values())
        trained = set(groups.values())
        missing = set(self.group_learning_rates) - trained
        if missing:
            raise ValueError(
                f"`{self._argument}` names groups of which nothing is "
                f"trained: {_listed(missing)}. Trained groups: "
                f"{_listed(trained)}. Select a group by the `finetune` of the "
                "model, or leave its rate out"
            )
        self._groups = dict(groups)

    def build(self, variables: Sequence[Any]) -> None:
        for variable in variables:
            self._own_rate(variable)  # refuses what has no group
        if self._excluded_paths and not self.built:
            excluded = set(self._excluded_paths)
            pattern = self._exclude_from_weight_decay_pattern
            self.exclude_from_weight_decay(
                [v for v in variables if v.path in excluded],
                pattern and [pattern.pattern],
            )
        super().build(variables)

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "group_learning_rates": dict(self.group_learning_rates),
            "groups": dict(self._groups),
        }
        excluded = self._excluded()
        return {**config, "excluded": excluded} if excluded else config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> GroupAdam:
        config = dict(config)
        groups = config.pop("groups", {})
        excluded = config.pop("excluded", {})
        optimizer = super().from_config(config, custom_objects)
        optimizer.exclude(**excluded)
        if groups:
            optimizer.set_groups(groups)
        return optimizer

    def exclude(
        self, pattern: str | None = None, paths: Sequence[str] = ()
    ) -> None:
        """Excludes variables from weight decay, as a config has them.

        Args:
            pattern: string or `None`. Regular expression over names, as Keras
                makes it of `var_names`. Defaults to `None`.
            paths: sequence of strings. Of the variables that Keras was given
                as `var_list`. Defaults to `()`.
        """
        if pattern is not None:
            self.exclude_from_weight_decay(var_names=[pattern])
        else:
            self.exclude_from_weight_decay()
        self._excluded_paths = tuple(paths)

    def _excluded(self) -> dict[str, Any]:
        """The arguments of `exclude`, of which there are some."""
        pattern = getattr(self, "_exclude_from_weight_decay_pattern", None)
        chosen: set[int] = getattr(self, "_exclude_from_weight_decay", set())
        paths = list(self._excluded_paths)
        if self.built and chosen:
            # Keras knows them by an id of this process.
            paths = [
                variable.path
                for variable in self._trainable_variables
                if self._var_key(variable) in chosen
            ]
        found = {"pattern": pattern and pattern.pattern, "paths": paths}
        return {name: value for name, value in found.items() if value}

    def _backend_update_step(
        self, grads: Sequence[Any], variables: Sequence[Any], learning_rate: Any
    ) -> None:
        for rate, places in self._places_by_rate(variables).items():
            super()._backend_update_step(
                [grads[place] for place in places],
                [variables[place] for place in places],
                learning_rate if rate is None else rate,
            )

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        if self.weight_decay is None:
            return
        variables = [v for v in variables if self._use_weight_decay(v)]
        for rate, places in self._places_by_rate(variables).items():
            self._rate = rate
            super()._apply_weight_decay([variables[i] for i in places])
        self._rate = None

    def _get_current_learning_rate(self) -> Any:
        if self._rate is not None:
            return self._rate
        return super()._get_current_learning_rate()

    def _places_by_rate(
        self, variables: Sequence[Any]
    ) -> dict[float | None, list[int]]:
        """Which of the variables share a rate; `None` is `learning_rate`."""
        if not self.group_learning_rates:
            return {None: list(range(len(variables)))}
        places: dict[float | None, list[int]] = {}
        for place, variable in enumerate(variables):
            # TensorFlow's variables have no path, those of Keras do.
            index = self._get_variable_index(variable)
            rate = self._own_rate(self._trainable_variables[index])
            places.setdefault(rate, []).append(place)
        return places

    def _own_rate(self, variable: Any) -> float | None:
        """The rate of the variable's group, `None` if it has none."""
        if not self.group_learning_rates:
            return None
        name = type(self).__name__
        if not self._groups:
            raise ValueError(
                f"{name} does not know which variable is of which group: "
                "it works with the models of this library, which tell it when "
                "they are compiled. For another model, call its `set_groups`"
            )
        if variable.path not in self._groups:
            raise ValueError(
                f"{name} trains {variable.path!r}, a variable of which "
                "`set_groups` did not say the group: compile the model with "
                "an optimizer of its own, or pass `set_groups` all paths"
            )
        return self.group_learning_rates.get(self._groups[variable.path])


def _checked_rates(
    rates: Mapping[str, float], argument: str
) -> dict[str, float]:
    if not isinstance(rates, Mapping):
        raise ValueError(
            f"`{argument}` maps groups to rates, as in "
            f'{{"attention": 1e-5}}. Received: {argument}={rates!r}'
        )
    _check_known(argument, rates)
    for group, rate in rates.items():
        number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
        if not number or not 0 <= rate < math.inf:
            raise ValueError(
                "The learning rate of a group is a number of at least 0; a "
                "schedule goes into `learning_rate`. Received: "
                f"{argument}[{group!r}]={rate!r}"
            )
    return {group: float(rate) for group, rate in rates.items()}


def _check_known(argument: str, groups: Any) -> None:
    unknown = set(groups).difference((*GROUPS, LORA))
    if unknown:
        raise ValueError(
            f"`{argument}` names unknown groups: {_listed(unknown)}. Known "
            f"groups: {_listed((*GROUPS, LORA))}"
        )


def _listed(groups: Any) -> str:
    """In the order in which a sequence meets them, strangers last."""
    order = (*GROUPS, LORA)
    known = [group for group in order if group in groups]
    return ", ".join([*known, *sorted(map(str, set(groups) - set(order)))])
