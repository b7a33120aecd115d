"""In which order the rows of a set come, and which of them share a batch."""

from __future__ import annotations

import functools

import numpy as np

# The second word of this seed; training streams use 0, fixed splits 1 and 2.
_ORDER = 3


class ShuffledOrder:
    """Rows of a batch as a function of its position: no state, no end.

    Each row comes once an epoch. An epoch that does not fill its last batch
    goes on with the next epoch, so that all batches have one size.

    Args:
        num_rows: int. Size of the set.
        batch_size: int. Rows a batch.
        seed: int. Another seed is another order.
        groups: int array or `None`. One number a row. Rows of one group, in
            random order, fill batches together, and leftovers go with the
            next group; the batches are then shuffled.
    """

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        seed: int,
        groups: np.ndarray | None = None,
    ) -> None:
        self.num_rows = num_rows
        self.batch_size = batch_size
        self.seed = seed
        self.groups = groups
        # Groups form within a pool of batches: about an epoch.
        self.pool_size = max(1, num_rows // batch_size)
        self._pool = functools.lru_cache(maxsize=2)(self._make_pool)
        self._epoch = functools.lru_cache(maxsize=4)(self._make_epoch)

    def rows(self, position: int) -> np.ndarray:
        """Rows of the batch at a position: `(batch_size,)`."""
        pool, place = divmod(position, self.pool_size)
        return self._pool(pool)[place]

    def _make_pool(self, pool: int) -> np.ndarray:
        size = self.pool_size * self.batch_size
        first_epoch, offset = divmod(pool * size, self.num_rows)
        num_epochs = -(-(offset + size) // self.num_rows)
        epochs = [self._epoch(first_epoch + i) for i in range(num_epochs)]
        rows = np.concatenate(epochs)[offset : offset + size]
        if self.groups is None:
            return rows.reshape(self.pool_size, self.batch_size)
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        batches = rows.reshape(self.pool_size, self.batch_size)
        return self._rng(pool, 1).permutation(batches)

    def _make_epoch(self, epoch: int) -> np.ndarray:
        return self._rng(epoch, 0).permutation(self.num_rows)

    def _rng(self, number: int, use: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, _ORDER, number, use))


class FixedOrder:
    """Rows in order, the last batch smaller; or by length, longest first.

    Args:
        num_rows: int. Size of the set.
        batch_size: int. Rows a batch.
        lengths: int array or `None`. One length a row. Batches do not mix
            lengths more than they must, so that few shapes come up.
    """

    def __init__(
        self, num_rows: int, batch_size: int, lengths: np.ndarray | None = None
    ) -> None:
        self.batch_size = batch_size
        self.num_batches = -(-num_rows // batch_size)
        self.order = np.arange(num_rows)
        if lengths is not None:
            # Longest first: what does not fit into memory says so at once.
            self.order = np.argsort(-lengths.astype("int64"), kind="stable")

    def rows(self, index: int) -> np.ndarray:
        """Rows of the batch at an index, from 0 to `num_batches - 1`."""
        low = index * self.batch_size
        return self.order[low : low + self.batch_size]
