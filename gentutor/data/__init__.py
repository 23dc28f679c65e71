"""Data sets as tensors: the embedded digits, 2-D toy sets, MNIST and Fashion-MNIST.

`load(name)` gives any of them. The laws of the 2-D sets (centres, widths, cells) are in `gentutor.data.toy`.
"""

from gentutor.data.catalogue import NAMES, available, load
from gentutor.data.dataset import DataError, Dataset

__all__ = ["NAMES", "DataError", "Dataset", "available", "load"]
