"""Recipes of the paper's tables: as the paper ran them, or small.

Numbers at scale `cpu` never stand under the paper's without saying so.
"""

from keras_fpt.experiments import Recipe
from keras_fpt.experiments import Scale
from keras_fpt.experiments.experiment import options

# Where they are not 1e-3 (appendix C).
RATES = {"lstm": 3e-4, "remote_homology": 1e-4}
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
    learning_rates=RATES,
)
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
    learning_rates=RATES,
)
# Written down before the first run: what a language model of GPT-2 base's size
# can do on two cores in a night.
LANGUAGE = Scale(
    "language",
    {"bit_xor": Recipe(1_500, 50, 16)},
    sweep=(1e-3, 3e-4, 3e-3),
)
SCALES = (CPU, PAPER, LANGUAGE)
