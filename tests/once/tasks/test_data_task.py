"""Tasks on files: epochs, batches of like length, counts, the cache."""

import numpy as np
import pytest

from keras_fpt import tasks


class Lengths(tasks.DataTask):
    """Sequences of several lengths; the answer is the length."""

    inputs, outputs = {"num_tokens": 9, "vocabulary_size": 5}, 10
    readout, padding_mask = "last_real", True
    padded_lengths = (4, 9)
    num_train_examples, num_validation_examples, num_test_examples = 50, 20, 20

    def load(self, split):
        count = 50 if split == "train" else 20
        lengths = np.random.default_rng(count).integers(1, 10, size=count)
        x = np.where(np.arange(9) < lengths[:, None], 3, 0).astype("uint8")
        return tasks.Data(x, lengths, lengths)

    def tokens(self, x, rng):
        return x.astype("int32")


class TestDataTask:
    def test_batches_are_padded_no_further_than_they_need(self):
        task = Lengths()
        seen = set()
        for data in (task.train_data(8), task.validation_data(8)):
            for index in range(data.num_batches or 12):
                x, y = data[index]
                tokens, mask = x["tokens"], x["padding_mask"]
                seen.add(tokens.shape[1])
                np.testing.assert_array_equal(mask.sum(axis=1), y)
                np.testing.assert_array_equal(tokens != 0, mask)
                assert tokens.shape[1] == (4 if y.max() <= 4 else 9)
        assert seen == {4, 9}
        assert 0 < task.padded_share(8) < 0.5

    def test_each_split_is_read_once(self):
        class Counting(Lengths):
            reads = 0

            def load(self, split):
                self.reads += 1
                return super().load(split)

        task = Counting()
        for _ in range(2):
            task.train_data(4)[0]
            task.validation_examples()
            task.test_data()[0]
        assert task.reads == 3

    @pytest.mark.parametrize(
        "changes, message",
        [
            ({"num_train_examples": 51}, "train .* 51 ex.* Received 50: .*cut"),
            ({"num_train_examples": None}, "set `num_train_examples`.* 50 ex"),
            ({"padded_lengths": ()}, r"`padded_lengths`.*\(\) .*up to 9"),
            ({"padded_lengths": (4, 8)}, r"\(4, 8\) for rows of up to 9"),
        ],
    )
    def test_refusals(self, changes, message):
        task = type("Wrong", (Lengths,), changes)()
        with pytest.raises(ValueError, match=message) as error:
            task.train_data(4)
        assert "\n" not in str(error.value)

    def test_a_task_of_ones_own_describes_itself(self):
        class Mine(Lengths):
            variant = "second"

        lines = []
        facts = Mine().describe(lines.append)
        assert facts["variant"] == "second"
        assert facts["train (train)"] == 50
