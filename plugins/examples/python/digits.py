"""The handwritten digits of the UCI repository (E. Alpaydin, C. Kaynak, 1998): 1797 images of 8 x 8 pixels.

Local modules that a plugin imports are part of its digest; data is not. So the content of the
file is checked here, and with it results stay tied to what they were computed on.
"""

import csv
import gzip
import hashlib
import os

import numpy

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits.csv.gz")
SHA256 = "36d9adb0af8b401909a75eeb7f3591360d46a96f0bb1496f815c417e2b00e003"


def load(seed, dtype, validation=0.2):
    """Rows in an order that the seed decides, a share of them set aside.

    Returns x_train, y_train, x_val, y_val: x of shape (rows, 64) between 0 and 1 in dtype, y of
    shape (rows,), integers from 0 to 9.
    """
    with open(PATH, "rb") as file:
        content = file.read()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise ValueError("%s has the SHA-256 %s, not %s: restore the file" % (PATH, digest, SHA256))
    rows = list(csv.reader(gzip.decompress(content).decode().splitlines()))[1:]
    table = numpy.array(rows, dtype="float64")
    order = numpy.random.default_rng([seed, 1]).permutation(len(table))
    x, y = (table[order, :64] / 16).astype(dtype), table[order, 64].astype("int64")
    held_out = int(round(validation * len(table)))
    return x[held_out:], y[held_out:], x[:held_out], y[:held_out]


class Batches:
    """Mini-batches as a function of seed, epoch and number alone, so that a trial which is
    interrupted goes on with those that it would have had."""

    def __init__(self, seed, rows, size):
        self.seed, self.rows, self.size = seed, rows, min(size, rows)
        self.epoch, self.order = None, None

    def __len__(self):
        return -(-self.rows // self.size)

    def rows_of(self, epoch, batch):
        if epoch != self.epoch:
            self.epoch, self.order = epoch, numpy.random.default_rng([self.seed, 2, epoch]).permutation(self.rows)
        return self.order[batch * self.size : (batch + 1) * self.size]
