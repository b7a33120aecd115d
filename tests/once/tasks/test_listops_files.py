"""Long Range Arena's ListOps files: read whole, refused by line."""

import numpy as np
import pytest
from helpers.listops_oracle import SPLITS
from helpers.listops_oracle import ids
from helpers.listops_oracle import make
from helpers.listops_oracle import tree_of

from keras_fpt.tasks import listops_files
from keras_fpt.tasks.listops_trees import SYMBOLS


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def source(tree):
    """An expression as Long Range Arena writes it: one pair at a time."""
    if isinstance(tree, int):
        return str(tree)
    operator, *arguments = tree
    text = f"[{operator}"
    for argument in map(source, arguments):
        text = f"( {text} {argument} )"
    return f"( {text} ] )"


def write_release(folder, task, newline="\r\n"):
    """Writes a task's generated data as the three files of the release."""
    for split, name in listops_files.FILES.items():
        lines = ["Source\tTarget"]
        data = task.data(split)
        for row, length, value in zip(
            data.x, data.lengths, data.y, strict=True
        ):
            tree = tree_of([SYMBOLS[token] for token in row[:length][::-1]])
            lines.append(f"{source(tree)}\t{value}")
        text = newline.join([*lines, ""])
        (folder / name).write_bytes(text.encode())


ROW = "( ( ( [MAX 4 ) 3 ) ] )\t4"


class TestFiles:
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    @pytest.mark.parametrize("block", [1000, 2**24])
    def test_files_hold_what_was_written(
        self, newline, block, tmp_path, cache_dir, monkeypatch
    ):
        monkeypatch.setattr(listops_files, "_BLOCK", block)
        write_release(tmp_path, make("lra", cache_dir=cache_dir), newline)
        for variant in ("paper", "lra"):
            expected = make(variant, cache_dir=cache_dir)
            task = make(variant, data_dir=tmp_path)
            for split in SPLITS:
                data, other = task.data(split), expected.data(split)
                np.testing.assert_array_equal(data.x, other.x)
                np.testing.assert_array_equal(data.y, other.y)
                if variant == "lra":
                    np.testing.assert_array_equal(data.lengths, other.lengths)

    def test_a_row_by_hand(self, tmp_path):
        path = tmp_path / "basic_val.tsv"
        # A last line without its line end is whole nevertheless.
        path.write_text(f"Source\tTarget\n{ROW}\n[SM 7 8 ]\t5")
        read = listops_files.read(tmp_path, "validation")
        expected = ids("MAX 4 3 ] SM 7 8 ]".split())
        np.testing.assert_array_equal(read["tokens"], expected)
        assert read["lengths"].tolist() == [4, 4]
        assert read["values"].tolist() == [4, 5]

    @pytest.mark.parametrize(
        "row, message",
        [
            ("( ( ( [MAX 4 ) 3 ) ] )", "two columns.*Received 1"),
            ("( ( ( [MAX 4 ) 3", "two columns.*Received 1"),
            (f"{ROW}\t4", "two columns.*Received 3"),
            ("", "two columns"),
            ("[MAY 4 3 ]\t4", r"unknown symbol '\[MAY'"),
            ("[FIRST 4 3 ]\t4", r"unknown symbol '\[FIRST'"),
            ("[MAX 14 3 ]\t4", "unknown symbol '14'"),
            ("[MAX 4 3]\t4", r"unknown symbol '3\]'"),
            ("[MAX4 3 ]\t4", r"unknown symbol '\[MAX4'"),
            ("MAX 4 3 ]\t4", "unknown symbol 'MAX'"),
            ("[MAX 4 é ]\t4", "plain text"),
            ("[MAX 4 3 ]\t", "Target from 0 to 9.*''"),
            ("[MAX 4 3 ]\t14", "Target from 0 to 9.*'14'"),
            ("[MAX 4 3 ]\t-4", "Target from 0 to 9.*'-4'"),
            ("[MAX 4 3 ]\t4 4", "Target from 0 to 9.*'4 4'"),
            ("[MAX 4 3 ]\t]", "Target from 0 to 9"),
            ("[MAX 4 3 ]\t5", "value of Source is 4.*Target 5"),
            ("[MAX 4 3\t4", "do not balance"),
            ("[MAX 4 3 ] ]\t4", "do not balance"),
            ("[MAX 4 3 ] 4\t4", "do not balance"),
            ("[MAX 4 3 ] [MAX 4 3 ]\t4", "do not balance"),
            ("] [MAX 4 3\t4", "do not balance"),
            ("4 3\t4", "do not balance"),
            ("[MAX ]\t4", "no arguments"),
            ("( )\t4", "empty Source"),
        ],
    )
    @pytest.mark.parametrize("place", [2, 17, 20])
    def test_a_wrong_row_is_refused_by_its_line(
        self, row, message, place, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(listops_files, "_BLOCK", 200)  # several blocks
        lines = ["Source\tTarget", *[ROW] * 19]
        lines[place - 1] = row
        text = "\n".join(lines) + "\n"
        (tmp_path / "basic_val.tsv").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=message) as error:
            make(data_dir=tmp_path).data("validation")
        assert str(error.value).startswith(f"basic_val.tsv, line {place}: ")
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("text", ["", f"{ROW}\n", "Target\tSource\n"])
    def test_a_wrong_header_is_refused(self, text, tmp_path):
        (tmp_path / "basic_test.tsv").write_text(text)
        with pytest.raises(ValueError, match="basic_test.tsv, line 1: .*tab"):
            make(data_dir=tmp_path).data("test")

    def test_a_file_without_rows_is_refused(self, tmp_path):
        (tmp_path / "basic_test.tsv").write_text("Source\tTarget\n")
        with pytest.raises(ValueError, match="basic_test.tsv, line 2: .*none"):
            make(data_dir=tmp_path).data("test")

    def test_a_cut_file_is_refused(self, tmp_path):
        (tmp_path / "basic_test.tsv").write_text(f"Source\tTarget\n{ROW}\n")
        with pytest.raises(ValueError, match="test split.*40 .*Received 1"):
            make(data_dir=tmp_path).data("test")

    def test_a_missing_file_says_how_to_get_it(self, tmp_path):
        with pytest.raises(
            FileNotFoundError,
            match="basic_train.tsv.*lra_release.gz.*leave `data_dir` out",
        ) as error:
            make(data_dir=tmp_path).train_data(4)
        assert "\n" not in str(error.value)

    def test_rows_that_do_not_fit_are_refused(self, tmp_path, cache_dir):
        write_release(tmp_path, make("lra", cache_dir=cache_dir))
        task = make("lra", data_dir=tmp_path, max_length=30)
        with pytest.raises(ValueError, match="up to 5. .*num_tokens=30"):
            task.data("train")
