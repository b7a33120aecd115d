"""Configuration of one training run, and its hash key."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from keras_fpt import tasks
from keras_fpt import trunks
from keras_fpt.experiments.models import MODELS
from keras_fpt.experiments.models import Model
from keras_fpt.experiments.models import pair

# How runs are trained. 1: `keras.optimizers.Adam`, which adds epsilon before it
# corrects the moments. 2: `keras_fpt.optimizers.Adam`, PyTorch's.
TRAINING_VERSION = 2
Options = tuple[tuple[str, Any], ...]


class HashableDict(dict[str, Any]):
    """A dict among the options of an experiment, which nobody changes."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def options(**arguments: Any) -> Options:
    """Arguments in the one order that experiments keep them in.

    A list or range becomes a tuple, and a dict one that can be hashed, as an
    experiment is; written as JSON, they are what they were.
    """
    return _sorted(arguments.items())


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A model on a task, trained by a recipe from a seed.

    Equal experiments have equal keys on any machine. A task or a model of
    your own enters the key by name, version and options; a task from arrays
    also by a fingerprint of them.

    Args:
        task: string or `keras_fpt.tasks.Task`. A name that `tasks.get` knows,
            or the task itself.
        model: string or `Model`. `"fpt"`, `"transformer"`, `"lstm"`, `"cnn"`,
            `"no_trunk"`, `"one_attention_layer"`, or a model of your own.
        steps: int. Training steps, at most.
        evaluate_every: int. Steps between evaluations on the validation set.
        learning_rate: float.
        scale: string. Name of the scale that the sizes belong to.
        task_options: tuple of pairs. Arguments of the task. Defaults to `()`.
        model_options: tuple of pairs. Arguments of the model. Defaults to
            `()`.
        batch_size: int. Defaults to `4`, the original code's.
        num_validation: int or `None`. Validation examples of an evaluation.
            Defaults to `None`, all of them.
        patience: int or `None`. Evaluations without a better one after which
            training stops. Defaults to `None`: it does not.
        seed: int. Of data order, what is drawn, and dropout. Defaults to `0`.

    Raises:
        ValueError: if no task or model has that name.
    """

    task: Any
    model: Any
    steps: int
    evaluate_every: int
    learning_rate: float
    scale: str
    task_options: Options = ()
    model_options: Options = ()
    batch_size: int = 4
    num_validation: int | None = None
    patience: int | None = None
    seed: int = 0
    # Of the pretrained trunk's values, where its files are on this machine.
    trunk_sha256: str | None = dataclasses.field(
        default=None, compare=False, repr=False
    )
    # What the names stand for, where `tasks.get` and `MODELS` do not know.
    own_task: Any = dataclasses.field(default=None, compare=False, repr=False)
    own_model: Any = dataclasses.field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        if isinstance(self.task, tasks.Task):
            put(self, "own_task", self.task)
            given = {**self.task.options, **dict(self.task_options)}
            if self.task.fingerprint is not None:
                given["fingerprint"] = self.task.fingerprint
            put(self, "task_options", tuple(given.items()))
            put(self, "task", self.task.name)
        if isinstance(self.model, Model):
            put(self, "own_model", self.model)
            put(self, "model", self.model.name)
        for name, known, own in (
            ("task", tasks.names(), self.own_task),
            ("model", list(MODELS), self.own_model),
        ):
            value = getattr(self, name)
            if own is None and value not in known:
                raise ValueError(
                    f"`{name}` must be one of {tuple(known)} or an object. "
                    f"Received: {name}={value!r}"
                )
        for name in ("task_options", "model_options"):
            put(self, name, _sorted(getattr(self, name)))

    @property
    def versions(self) -> dict[str, int]:
        """Versions of what the names stand for, and of the training."""
        task = self.own_task or tasks.class_of(self.task)
        return {
            "task": task.version,
            "model": self._model().version,
            "training": TRAINING_VERSION,
        }

    @property
    def key(self) -> str:
        """Hash of the experiment, its versions and its pretrained trunk."""
        return key_of(self.config(), self.versions, self.trunk_sha256)

    def config(self) -> dict[str, Any]:
        """The hashed fields, as JSON can hold them."""
        fields = [f.name for f in dataclasses.fields(self) if f.compare]
        return {name: getattr(self, name) for name in fields}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], trunk_sha256: str | None = None
    ) -> Experiment:
        """The experiment of a record.

        Args:
            config: mapping. What `config` returned.
            trunk_sha256: string or `None`. As of `on_trunk`. Defaults to
                `None`.

        Raises:
            ValueError: if it is of somebody's own task or model.
        """
        return cls(**config, trunk_sha256=trunk_sha256)

    def replace(self, **changes: Any) -> Experiment:
        """The same experiment with some fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def pretrained(self) -> str | None:
        """Name of the preset whose values the model starts from, if any."""
        arguments = dict(self.model_options)
        random = arguments.get("initialization", "pretrained") == "random"
        if self.model != "fpt" or self.own_model is not None or random:
            return None
        return arguments.get("preset")

    def on_trunk(self, presets: Mapping[str, str]) -> Experiment:
        """The same experiment, with the hash of its pretrained trunk.

        The hash enters the key: other weights under the name of a preset make
        another experiment. A preset that is no file or folder on this machine
        has no hash here; one of a hub is known by its address alone.

        Args:
            presets: mapping from names of presets to folders on this machine.
        """
        if self.trunk_sha256 is not None or self.pretrained is None:
            return self
        where = presets.get(self.pretrained, self.pretrained)
        return self.replace(trunk_sha256=trunks.values_hash(where))

    def make_task(self) -> Any:
        if self.own_task is not None:
            return self.own_task
        return tasks.get(self.task, **dict(self.task_options))

    def build(
        self, task: Any, presets: Mapping[str, str], other: Any = None
    ) -> Any:
        """Builds the model, not compiled.

        Args:
            task: `keras_fpt.tasks.Task`. What `make_task` returned.
            presets: mapping from names of presets to folders on this machine.
            other: model or `None`. One of the same options and another seed,
                not trained yet: where nothing of the trunk is drawn, it is
                held once for both. Defaults to `None`.
        """
        arguments = dict(self.model_options)
        paired = arguments.pop("paired", False)
        if self.model == "fpt" and self.own_model is None:
            arguments["presets"] = presets
        if other is not None and paired and self._trunk_is_read(arguments):
            model = other.sibling(task)
        else:
            model = self._model().build(task, seed=self.seed, **arguments)
        if paired:
            pair(model, self.seed)
        return model

    def _trunk_is_read(self, arguments: Mapping[str, Any]) -> bool:
        """Whether all of the trunk is as pretrained, whatever the seed."""
        return (
            self.model == "fpt"
            and self.own_model is None
            and arguments.get("initialization", "pretrained") == "pretrained"
            and arguments.get("positions") is None
            and arguments.get("lora_rank") is None
        )

    def _model(self) -> Model:
        return self.own_model or MODELS[self.model]

    def __str__(self) -> str:
        written = ", ".join(f"{k}={v}" for k, v in self.model_options)
        return (
            f"{self.task}: {self.model}({written}), learning rate "
            f"{self.learning_rate:g}, seed {self.seed}"
        )


def key_of(
    config: Mapping[str, Any],
    versions: Mapping[str, int],
    trunk_sha256: str | None = None,
) -> str:
    """Hash of an experiment's configuration, versions and pretrained trunk."""
    content: dict[str, Any] = {"experiment": config, "versions": versions}
    if trunk_sha256 is not None:
        content["trunk"] = trunk_sha256
    written = json.dumps(content, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def is_known(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is of a task and a model of the library."""
    return config["task"] in tasks.names() and config["model"] in MODELS


def _sorted(pairs: Any) -> Options:
    return tuple(sorted((name, _hashable(value)) for name, value in pairs))


def _hashable(value: Any) -> Any:
    if isinstance(value, list | range):  # a file gives lists back
        return tuple(value)
    if isinstance(value, dict):
        pairs = ((name, _hashable(each)) for name, each in value.items())
        return HashableDict(sorted(pairs))
    return value
