"""Lists the tables of the paper and Rothermel et al.'s Table 1, and runs them.

    python tables/paper.py 2 --scale cpu          # one table
    python tables/paper.py --all --list           # every run, and its state

Rows stand letter by letter as in the paper (Lu et al., 2021), whose sections
are named beside them. `--sweep` has each row choose its learning rate by
validation, as Rothermel et al. (2021) ask. A run at scale `cpu` takes one or
two minutes on a core; three seeds of each cell are the default. running.md
says how runs resume, train together and spread over machines.

Bit is the folder that `examples/pretrain_on_bits.py` writes: `--preset
bit=FOLDER`. At scale `cpu`, ViT is a DeiT-tiny (`--preset
deit_tiny_imagenet=FOLDER`) and BERT all-MiniLM-L6-v2 (`--preset
minilm_l6_en=FOLDER`): folders or `hf://` addresses.
"""

from typing import Any

from published import ALL_TASKS
from published import RESULTS
from scales import SCALES
from text import table_text

from keras_fpt.experiments import Row
from keras_fpt.experiments import Table
from keras_fpt.experiments import main

OUTPUT, WITH_INPUT = "output_only", ("output", "layernorm", "input")
NORMS, FROZEN_NORMS = ("output", "layernorm"), ("output", "input", "positions")
QUOTED = "quoted by the paper from Tay et al., 2020"
fpt, random, quoted = Row.fpt, Row.random, Row.quoted


def lstm(name: str, **arguments: Any) -> Row:
    """An LSTM as the original's code computes it."""
    return Row.lstm(
        name,
        layernorm_init="original",
        initial_state="random",
        hidden_dropout=0.1,
        **arguments,
    )


TABLES = (
    # Section 3.1. CIFAR-10 is of the model of 36 layers (appendix D.1).
    Table(
        "1",
        "frozen pretrained, fully trained, LSTM",
        (
            fpt("FPT", of_task={"cifar10": fpt(preset="gpt2_large_en")}),
            Row.baseline(
                "Full",
                "transformer",
                of_task={
                    "cifar10": Row.baseline(
                        "Full", "transformer", num_layers=3
                    ),
                    "mnist": None,
                    "listops": None,
                    "cifar10_lra": None,
                    "remote_homology": None,
                },
                note="on MNIST not described; on ListOps, CIFAR-10 LRA and "
                "Remote Homology quoted by the paper from elsewhere",
            ),
            lstm("LSTM"),
        ),
        ALL_TASKS,
    ),
    # Section 3.2: does it matter that it was language?
    Table(
        "2",
        "what the trunk was pretrained on",
        (
            fpt("FPT"),
            random("Random"),
            fpt("Bit", preset="bit"),
            fpt("ViT", preset="vit_base_patch16_224_imagenet21k"),
        ),
        ALL_TASKS,
    ),
    # Section 3.3: does the architecture matter?
    Table(
        "3",
        "frozen random transformer and frozen random LSTM",
        (
            random("Trans."),
            lstm("LSTM", finetune="fpt"),
            lstm(
                "LSTM*",
                num_layers=12,
                residual=True,
                positions=True,
                finetune="fpt",
            ),
        ),
        ALL_TASKS,
    ),
    Table(
        "4",
        "frozen random LSTMs of 12 and of 3 layers",
        (
            lstm("12", num_layers=12, finetune="fpt"),
            lstm("3", finetune="fpt"),
        ),
        ALL_TASKS,
    ),
    Table(
        "5",
        "a frozen random LSTM with what transformers have",
        (
            lstm("12-layer LSTM", num_layers=12, finetune="fpt"),
            lstm(
                "+ Residual Connections",
                num_layers=12,
                residual=True,
                finetune="fpt",
            ),
            lstm(
                "+ Positional Embeddings",
                num_layers=12,
                residual=True,
                positions=True,
                finetune="fpt",
            ),
        ),
        ALL_TASKS,
    ),
    # Section 3.4: does language learn faster?
    Table(
        "6",
        "training steps to convergence",
        (
            fpt("FPT"),
            random("Random"),
            Row("Speedup", None, ratio=("Random", "FPT")),
        ),
        ALL_TASKS,
        units=("gradient_steps",),
    ),
    # Section 3.6: does it overfit or underfit?
    Table(
        "7",
        "under- and overfitting on CIFAR-10 LRA",
        (
            fpt("FPT"),
            quoted("Vanilla transformer", QUOTED),
            quoted("Linformer", QUOTED),
        ),
        ("cifar10_lra",),
        ("accuracy_percent", "train_accuracy_percent"),
    ),
    # Section 3.7: does it grow with the model?
    Table(
        "8",
        "larger models on CIFAR-10",
        (
            fpt("FPT base (12 layers)"),
            random("Random base (12 layers)"),
            fpt("FPT medium (24 layers)", preset="gpt2_medium_en"),
            random("Random medium (24 layers)", preset="gpt2_medium_en"),
            fpt("FPT large (36 layers)", preset="gpt2_large_en"),
            random("Random large (36 layers)", preset="gpt2_large_en"),
        ),
        ("cifar10",),
    ),
    # Section 3.8: is it the statistics of the values?
    Table(
        "9",
        "statistics of the pretrained values",
        (
            fpt("Pretrained"),
            fpt("Statistics Only", initialization="statistics"),
            random("Default"),
        ),
        ALL_TASKS,
    ),
    # Section 3.9: is training the output layer enough?
    Table(
        "10",
        "the output layer alone",
        (fpt("Output only", finetune=OUTPUT),),
        ("listops", "cifar10_lra"),
    ),
    # Section 3.10: does depth matter?
    Table(
        "11",
        "depth, output and layer norms trained, on ListOps",
        tuple(
            fpt(
                f"{layers} {'layer' if layers == 1 else 'layers'}, {values}",
                num_layers=layers,
                finetune=NORMS,
                initialization=values,
            )
            for layers in (1, 2, 6)
            for values in ("pretrained", "random")
        ),
        ("listops",),
    ),
    Table(
        "12",
        "depth, the output layer trained, on ListOps",
        (
            *(
                fpt(
                    f"{layers} layers, pretrained",
                    num_layers=layers,
                    finetune=OUTPUT,
                )
                for layers in (1, 3, 6)
            ),
            fpt("12 layers, pretrained", finetune=OUTPUT),
            random("12 layers, random", finetune=OUTPUT),
            random(
                "24 layers, random", preset="gpt2_medium_en", finetune=OUTPUT
            ),
        ),
        ("listops",),
    ),
    # Section 3.11: does it help to train more?
    Table(
        "13",
        "more parameters trained",
        (
            fpt("FPT"),
            fpt("+ Feedforward", finetune=("fpt", "feed_forward")),
            fpt("+ Attention", finetune=("fpt", "attention")),
            fpt("+ Both", finetune=("fpt", "feed_forward", "attention")),
        ),
        ALL_TASKS,
    ),
    Table(
        "14",
        "more parameters trained on CIFAR-10",
        (
            fpt("Base (FPT)"),
            fpt("+ Finetuning All FF Layers", finetune=("fpt", "feed_forward")),
            fpt(
                "+ Finetuning Last Attn Layer",
                finetune=("fpt", "feed_forward", "attention[-1]"),
            ),
        ),
        ("cifar10",),
    ),
    # Section 3.12: which parameters matter?
    Table(
        "15",
        "groups added one by one, pretrained",
        (
            fpt("output only", finetune=OUTPUT),
            fpt("+ layernorm", finetune=NORMS),
            fpt("+ input", finetune=WITH_INPUT),
            fpt("+ positions"),
        ),
        ALL_TASKS,
    ),
    # Section 3.13: do the layer norms matter?
    Table(
        "16",
        "layer norms frozen or trained, on CIFAR-10",
        (
            fpt("Pretrained, frozen LN", finetune=FROZEN_NORMS),
            fpt("Pretrained, finetuned LN"),
            random("Random, frozen LN", finetune=FROZEN_NORMS),
            random("Random, finetuned LN"),
        ),
        ("cifar10",),
    ),
    # Section 3.14: is it GPT-2 only?
    Table(
        "17",
        "other pretrained transformers",
        (
            fpt("GPT-2"),
            fpt("BERT", preset="bert_base_en_uncased"),
            fpt("T5 encoder", preset="t5_base_multi"),
            quoted("Longformer", "keras-nlp has no such backbone"),
        ),
        ("cifar10", "listops"),
    ),
    # Appendix: which parameters matter?
    Table(
        "18",
        "each group beside the output, pretrained",
        (
            fpt("output only", finetune=OUTPUT),
            fpt("output + input", finetune=("output", "input")),
            fpt("output + positions", finetune=("output", "positions")),
            fpt("output + layernorm", finetune=NORMS),
        ),
        ALL_TASKS,
    ),
    Table(
        "19",
        "groups added one by one, pretrained (as Table 15)",
        (
            fpt("output only", finetune=OUTPUT),
            fpt("+ layernorm", finetune=NORMS),
            fpt("+ input", finetune=WITH_INPUT),
            fpt("+ positions"),
        ),
        ALL_TASKS,
    ),
    Table(
        "20",
        "each group beside the output, random",
        (
            random("output only", finetune=OUTPUT),
            random("output + input", finetune=("output", "input")),
            random("output + positions", finetune=("output", "positions")),
            random("output + layernorm", finetune=NORMS),
        ),
        ALL_TASKS,
    ),
    Table(
        "21",
        "groups added one by one, random",
        (
            random("output only", finetune=OUTPUT),
            random("+ layernorm", finetune=NORMS),
            random("+ input", finetune=WITH_INPUT),
            random("+ positions"),
        ),
        ALL_TASKS,
    ),
    # Rothermel et al., 2021 (arXiv 2107.12460): is a frozen trunk as good as
    # one that is trained, if each may choose its learning rate?
    Table(
        "rothermel_1",
        "frozen and unfrozen, learning rates swept",
        (
            random("Frozen Random"),
            fpt("Frozen Pretrained"),
            random("Unfrozen Random", finetune="full"),
            fpt("Unfrozen Pretrained", finetune="full"),
        ),
        ("listops", "mnist", "cifar10", "cifar10_lra"),
        sweep=True,
    ),
)

if __name__ == "__main__":
    main(TABLES, SCALES, text=table_text, results_dir=RESULTS)
