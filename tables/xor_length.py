"""Bit XOR of longer and longer strings, up to 256 bits.

    python tables/xor_length.py --scale cpu

The authors write that their model solves strings of up to 256 bits (a blog post
of March 2021, without a table). Each row is a length, with the pretrained and
the random trunk. `--list` and `--sweep` are as in every table.
"""

from command import main
from experiment import options
from table import Row
from table import Table

LENGTHS = (5, 16, 64, 256)
ROWS = tuple(
    Row(
        f"{bits} bits, {values}",
        "fpt",
        options(initialization=values),
        task_options=options(num_bits=bits),
    )
    for bits in LENGTHS
    for values in ("pretrained", "random")
)
TABLE = Table("xor", "Bit XOR of longer strings", ROWS, ("bit_xor",))

if __name__ == "__main__":
    main(TABLE)
