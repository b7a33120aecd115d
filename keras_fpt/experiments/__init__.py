"""Experiments: runs of rows on tasks, their records and comparisons."""

from keras_fpt.experiments.cli import main
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.models import Model
from keras_fpt.experiments.ray_cluster import Cluster
from keras_fpt.experiments.recipe import Recipe
from keras_fpt.experiments.recipe import Scale
from keras_fpt.experiments.records import Records
from keras_fpt.experiments.results import Results
from keras_fpt.experiments.rows import Row
from keras_fpt.experiments.table import Table

__all__ = [
    "Cluster",
    "Experiment",
    "Model",
    "Recipe",
    "Records",
    "Results",
    "Row",
    "Scale",
    "Table",
    "main",
]
