"""How large a table is run: as the paper did, or on two cores in hours.

A scale changes sizes, never the protocol: data splits, optimizer, clipping,
dropout, what is trained, how validation and test are read are the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from experiment import Experiment
from experiment import Options
from experiment import options

# The paper's (appendix C).
LEARNING_RATE = 1e-3
LEARNING_RATES = {"lstm": 3e-4}
LEARNING_RATE_OF_TASK = {"remote_homology": 1e-4}
# Rothermel et al.'s range, in half decades.
SWEEP = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a scale does with a task.

    Args:
        steps: int. Training steps.
        evaluate_every: int. Steps between looks at the validation set.
        batch_size: int.
        num_validation: int or `None`. Examples that a look takes.
        task_options: tuple of pairs. Arguments of the task.
    """

    steps: int
    evaluate_every: int
    batch_size: int
    num_validation: int | None = None
    task_options: Options = ()


@dataclasses.dataclass(frozen=True)
class Scale:
    """Recipes of the tasks, and what stands for a model of the paper's size.

    Args:
        name: string.
        recipes: mapping from tasks to `Recipe`.
        presets: mapping from the paper's presets to this scale's, or `None`
            for the same ones. What is not there is not run.
        layers: mapping from the paper's numbers of layers to this scale's, or
            `None` for the same ones. What is not there is not run.
        sizes: mapping from models to arguments that they get here.
    """

    name: str
    recipes: Mapping[str, Recipe]
    presets: Mapping[str, str] | None = None
    layers: Mapping[int, int] | None = None
    sizes: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )

    def experiment(
        self,
        task: str,
        model: str,
        model_options: Options,
        learning_rate: float | None = None,
        seed: int = 0,
        task_options: Options = (),
    ) -> Experiment | None:
        """The experiment of a cell; `None` if this scale has no such model."""
        arguments = dict(model_options)
        if model == "fpt":
            preset = arguments.setdefault("preset", "gpt2_base_en")
            if self.presets is not None:
                if preset not in self.presets:
                    return None
                arguments["preset"] = self.presets[preset]
        if self.layers is not None and "num_layers" in arguments:
            if arguments["num_layers"] not in self.layers:
                return None
            arguments["num_layers"] = self.layers[arguments["num_layers"]]
        recipe = self.recipes[task]
        if learning_rate is None:
            learning_rate = LEARNING_RATE_OF_TASK.get(
                task, LEARNING_RATES.get(model, LEARNING_RATE)
            )
        return Experiment(
            task=task,
            model=model,
            steps=recipe.steps,
            evaluate_every=recipe.evaluate_every,
            learning_rate=learning_rate,
            scale=self.name,
            task_options=options(
                **{**dict(recipe.task_options), **dict(task_options)}
            ),
            model_options=options(**arguments, **self.sizes.get(model, {})),
            batch_size=recipe.batch_size,
            num_validation=recipe.num_validation,
            seed=seed,
        )


PAPER = Scale(
    "paper",
    # Steps are those in which the slower of Table 6's two rows converged.
    {
        "bit_memory": Recipe(40_000, 400, 4),
        "bit_xor": Recipe(20_000, 200, 4),
        "listops": Recipe(6_000, 200, 4),
        "mnist": Recipe(20_000, 400, 4),
        "cifar10": Recipe(400_000, 4_000, 4),
        "cifar10_lra": Recipe(600_000, 6_000, 4),
        "remote_homology": Recipe(100_000, 1_000, 4),
    },
)
# Presets that no hub has: `--preset NAME=FOLDER` says where they lie. Bit is
# what `examples/pretrain_on_bits.py` writes; the others are of Hugging Face's
# form, facebook/deit-tiny-patch16-224 and all-MiniLM-L6-v2.
FOLDERS = ("bit", "deit_tiny_imagenet", "minilm_l6_en")
# Written down before the first run. Small sequences and the embedded trunk:
# a run takes one or two minutes on a core.
CPU = Scale(
    "cpu",
    {
        "bit_memory": Recipe(
            2_000, 100, 16, None, options(num_bits=50, patch_size=50)
        ),
        "bit_xor": Recipe(1_000, 50, 16),
        "listops": Recipe(
            *(800, 100, 32, 500),
            options(variant="lra", min_length=5, max_length=31, max_depth=4),
        ),
        "mnist": Recipe(600, 100, 16, 1_000, options(patch_size=8)),
        "cifar10": Recipe(600, 100, 16, 1_000, options(patch_size=8)),
    },
    presets={
        "gpt2_base_en": "gpt2_tiny_en",
        "bit": "bit",
        "vit_base_patch16_224_imagenet21k": "deit_tiny_imagenet",
        "bert_base_en_uncased": "minilm_l6_en",
    },
    # The trunk has 8 blocks.
    layers={1: 1, 2: 2, 3: 3, 6: 6, 12: 8},
    sizes={
        "transformer": {"hidden_dim": 256, "num_heads": 4},
        "lstm": {"hidden_dim": 256},
    },
)
SCALES = {scale.name: scale for scale in (PAPER, CPU)}
