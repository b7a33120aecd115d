"""The house: which module may know of which, read from the imports."""

import ast

import pytest
from helpers.processes import ROOT

# From the lowest floor up. A module imports from its own floor and from those
# below; a new module gets its floor here.
FLOORS = (
    (
        "tasks",
        "presets",
        "finetuning",
        "flags",
        "optimizers",
        "cache",
        "checks",
        "seeds",
        "sizes",
        "files",
        "backend",
        "tensorflow_data",
    ),
    (
        "checkpoint_checks",
        "checkpoints",
        "data_watch",
        "jax_state",
        "layers",
        "stack",
        "trunks",
        "initialization",
        "export",
        "step_blocks",
    ),
    (
        "watched_model",
        "finetuned_model",
        "frozen_model",
        "fpt",
        "attention",
        "features",
        "replica_data",
        "replica_model",
        "replicas",
        "baselines",
    ),
    ("experiments",),
    ("__init__",),
)
# Slow to import, or not there for every user: where they are first used.
LATE = (
    "keras_nlp",
    "keras_hub",
    "tensorflow",
    "tensorflow_datasets",
    "pandas",
    "safetensors",
    "gguf",
    "onnx",
    "requests",
    "matplotlib",
    "ray",
    "scipy",
)
NEVER = ("examples", "tables", "tests")
# Private by name, and public by the documentation of `NamedTuple`.
PUBLIC = ("_replace", "_asdict", "_fields")
# Documented as "Foreach Operations" of PyTorch.
FOREACH = "_foreach_"
PACKAGE = ROOT / "keras_fpt"
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def floor_of(name):
    floors = [i for i, rooms in enumerate(FLOORS) if name in rooms]
    assert len(floors) == 1, f"give {name} a floor in FLOORS"
    return floors[0]


def imports(path):
    """Imported names of a module, whole, and whether they load with it."""
    tree = ast.parse(path.read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    late = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, functions)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides its floor"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield name, node not in late


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_imports_point_down(path):
    for name, on_top in imports(path):
        first, *rest = name.split(".")
        assert first not in NEVER, f"imports {name}"
        assert not (on_top and first in LATE), f"imports {name} on top"
        if first in ("keras_nlp", "keras_hub"):
            assert room(path) == "trunks", f"imports {name}"
        if first == "keras_fpt":
            assert floor_of(rest[0]) <= floor_of(room(path)), f"imports {name}"
            if room(path) == "tasks":
                # Models are unknown there; optimizers know none either.
                assert rest[0] in (
                    *("tasks", "cache", "checks", "sizes", "files"),
                    "optimizers",
                ), f"imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_private_attributes_of_others_are_for_trunks_alone(path):
    if room(path) == "trunks":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            owner = ast.unparse(node.value)
            private = not node.attr.startswith("__")
            private &= node.attr not in PUBLIC
            private &= not node.attr.startswith(FOREACH)
            assert not private or owner in ("self", "cls", "super()"), (
                f"line {node.lineno} reaches for {owner}.{node.attr}"
            )


def test_every_module_has_its_test_file():
    tests = ROOT / "tests"
    names = [
        str(path.relative_to(PACKAGE).with_suffix(""))
        for path in MODULES
        if path.name != "__init__.py"
    ]
    assert len(names) > 60
    for name in names:
        room, _, module = name.rpartition("/")
        own = [
            folder
            for folder in ("once", "backends")
            if (tests / folder / room / f"test_{module}.py").is_file()
        ]
        assert own, f"{name} has no test file tests/*/{room}/test_{module}.py"
