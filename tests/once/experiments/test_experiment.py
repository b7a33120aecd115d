"""Experiments: hash keys that last, own tasks and models, refusals."""

import json
import shutil

import pytest
from helpers.backbones import make_backbone
from helpers.records import ONE

from keras_fpt import tasks
from keras_fpt.experiments import models
from keras_fpt.experiments.experiment import Experiment
from keras_fpt.experiments.experiment import key_of
from keras_fpt.experiments.experiment import options
from keras_fpt.experiments.models import Model


class TestKeys:
    def test_a_key_is_the_same_everywhere(self):
        assert ONE.key == "417eb316e1dbf27b"
        # Those of records of before the training had a version.
        former = {"task": 1, "model": 1}
        assert key_of(ONE.config(), former) == "60b3f06c9b8f4e8b"
        again = Experiment.from_config(json.loads(json.dumps(ONE.config())))
        assert again == ONE and again.key == ONE.key
        turned = ONE.replace(model_options=tuple(reversed(ONE.model_options)))
        assert turned == ONE and hash(turned) == hash(ONE)

    def test_whatever_changes_changes_the_key(self, monkeypatch):
        changes = {
            "task": "bit_memory",
            "model": "lstm",
            "steps": 21,
            "evaluate_every": 5,
            "learning_rate": 1e-4,
            "scale": "paper",
            "task_options": (),
            "model_options": options(preset="gpt2_tiny_en"),
            "batch_size": 8,
            "num_validation": 100,
            "patience": 3,
            "seed": 2,
        }
        assert set(changes) == set(ONE.config())
        keys = [ONE.replace(**{k: v}).key for k, v in changes.items()]
        assert len({ONE.key, *keys}) == len(changes) + 1
        before = ONE.key
        with monkeypatch.context() as patch:
            patch.setattr(tasks.BitXor, "version", 2)
            assert ONE.key != before
        newer = Model("fpt", models.MODELS["fpt"].build, 2)
        monkeypatch.setitem(models.MODELS, "fpt", newer)
        assert ONE.key != before

    def test_options_that_are_sequences_and_dicts(self):
        chosen = {"feed_forward": "random", "attention": "pretrained"}
        same = [
            ONE.replace(
                model_options=options(num_layers=blocks, initialization=groups)
            )
            for blocks in ([6, 7], (6, 7), range(6, 8))
            for groups in (chosen, dict(reversed(chosen.items())))
        ]
        assert len(set(same)) == 1 == len({each.key for each in same})
        again = Experiment.from_config(json.loads(json.dumps(same[0].config())))
        assert again == same[0] and again.key == same[0].key
        arguments = dict(again.model_options)
        assert arguments["num_layers"] == (6, 7)
        assert arguments["initialization"] == chosen
        other = options(num_layers=[7, 6], initialization=chosen)
        assert ONE.replace(model_options=other).key != again.key

    def test_the_weights_of_a_pretrained_trunk_are_in_the_key(
        self, tiny_preset, tmp_path
    ):
        named = ONE.replace(model_options=options(preset="tiny"))
        one = named.on_trunk({"tiny": tiny_preset})
        assert one == named and one.key != named.key
        copy = tmp_path / "elsewhere"
        shutil.copytree(tiny_preset, copy)
        assert named.on_trunk({"tiny": str(copy)}).key == one.key
        backbone = make_backbone(max_sequence_length=1024)
        backbone.save_to_preset(str(copy))
        assert named.on_trunk({"tiny": str(copy)}).key != one.key
        # Nothing pretrained, or nothing on this machine.
        drawn = named.replace(
            model_options=options(preset="tiny", initialization="random")
        )
        assert drawn.on_trunk({"tiny": tiny_preset}).key == drawn.key
        assert named.on_trunk({}).key == named.key
        again = Experiment.from_config(one.config(), one.trunk_sha256)
        assert again.key == one.key

    @pytest.mark.parametrize(
        ("field", "value"), [("task", "bits"), ("model", "rnn")]
    )
    def test_unknown_names_are_refused(self, field, value):
        with pytest.raises(ValueError, match=f"{field}='{value}'"):
            ONE.replace(**{field: value})


class Waves(tasks.Task):
    inputs, outputs = (4, 2), 2

    def __init__(self, noise=0.1):
        self.noise = noise


def build(task, seed, width=8):
    return task, seed, width


class TestOwn:
    def test_a_task_enters_the_key_by_name_version_and_options(self):
        one = ONE.replace(task=Waves(), task_options=())
        assert one.task == "waves" and one.key != ONE.key
        assert one.key == ONE.replace(task=Waves(), task_options=()).key
        noisy = ONE.replace(task=Waves(noise=0.5), task_options=())
        assert dict(noisy.task_options) == {"noise": 0.5}

        class Newer(Waves):
            name, version = "waves", 2

        newer = ONE.replace(task=Newer(), task_options=())
        assert len({one.key, noisy.key, newer.key}) == 3
        assert noisy.make_task().noise == 0.5

    def test_a_task_of_the_library_is_the_same_as_its_name(self):
        made = ONE.replace(task=tasks.BitXor(num_bits=4), task_options=())
        assert made.key == ONE.key and made == ONE
        # By place or by name, and wherever its files lie.
        one = ONE.replace(task=tasks.BitXor(4), task_options=())
        assert one.key == ONE.key
        here = ONE.replace(task=tasks.MNIST(cache_dir="a"), task_options=())
        there = ONE.replace(task=tasks.MNIST(cache_dir="b"), task_options=())
        assert here.key == there.key

    def test_a_model_enters_the_key_by_name_and_version(self):
        keys = set()
        for model in (Model("mine", build), Model("mine", build, 2)):
            mine = ONE.replace(model=model, model_options=options(width=4))
            assert mine.model == "mine"
            assert mine.build("task", {}) == ("task", ONE.seed, 4)
            keys.add(mine.key)
        assert len(keys) == 2

    def test_its_configuration_is_json(self):
        mine = ONE.replace(task=Waves(), model=Model("mine", build))
        assert json.loads(json.dumps(mine.config()))["task"] == "waves"
