"""Order of examples in an epoch, and which of them share a batch."""

from __future__ import annotations

import functools

import numpy as np

# The second word of this seed; training streams use 0, fixed splits 1 and 2.
_ORDER = 3
_FIXED_SEED = 0


class ShuffledOrder:
    """Rows of a batch as a function of its position: no state, no end.

    Each row comes once an epoch, and all batches have one size: an epoch that
    does not fill its last batch goes on with the next epoch. With groups, the
    rows of that last batch sit out instead: less than a batch, others in each
    epoch.

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
        # Batches that an epoch fills.
        self.pool_size = max(1, num_rows // batch_size)
        self._pool = functools.lru_cache(maxsize=2)(self._make_pool)
        self._epoch = functools.lru_cache(maxsize=4)(self._make_epoch)

    def rows(self, position: int) -> np.ndarray:
        """Rows of the batch at a position: `(batch_size,)`."""
        pool, place = divmod(position, self.pool_size)
        return self._pool(pool)[place]

    def _make_pool(self, pool: int) -> np.ndarray:
        size = self.pool_size * self.batch_size
        if self.groups is None or size > self.num_rows:
            rows = self._stretch(pool * size, size)
        else:
            rows = self._epoch(pool)[:size]
        if self.groups is None:
            return rows.reshape(self.pool_size, self.batch_size)
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        batches = rows.reshape(self.pool_size, self.batch_size)
        return self._rng(pool, 1).permutation(batches)

    def _stretch(self, start: int, size: int) -> np.ndarray:
        """Rows at places `start` and on of all epochs, end to end."""
        first, offset = divmod(start, self.num_rows)
        num_epochs = -(-(offset + size) // self.num_rows)
        epochs = [self._epoch(first + i) for i in range(num_epochs)]
        return np.concatenate(epochs)[offset : offset + size]

    def _make_epoch(self, epoch: int) -> np.ndarray:
        return self._rng(epoch, 0).permutation(self.num_rows)

    def _rng(self, number: int, use: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, _ORDER, number, use))


class FixedOrder:
    """Rows in order, the last batch smaller; or those of one length together.

    Args:
        num_rows: int. Size of the set.
        batch_size: int. Rows a batch.
        lengths: int array or `None`. One length a row. Batches do not mix
            lengths more than they must, so that few shapes come up. They come
            in a fixed random order, so that the first few stand for all; but
            the longest first: what does not fit into memory says so at once.
    """

    def __init__(
        self, num_rows: int, batch_size: int, lengths: np.ndarray | None = None
    ) -> None:
        self.batch_size = batch_size
        self.num_batches = -(-num_rows // batch_size)
        self._rows = np.arange(num_rows)
        self._batches = np.arange(self.num_batches)
        if lengths is not None:
            self._rows = np.argsort(-lengths.astype("int64"), kind="stable")
            rng = np.random.default_rng(_FIXED_SEED)
            self._batches[1:] = rng.permutation(self._batches[1:])

    def rows(self, index: int) -> np.ndarray:
        """Rows of the batch at an index, from 0 to `num_batches - 1`."""
        low = self._batches[index] * self.batch_size
        return self._rows[low : low + self.batch_size]
