"""The digits that need no network: 1,797 handwritten digits of 8 x 8 pixels, embedded in `digits.npz`.

They are the test set of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (1998), UCI
Machine Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0, in the order in which
scikit-learn has them. Each pixel counts the dark points in a block of 4 x 4 of a 32 x 32 bitmap, 0 to 16.
The file was made, values unchanged, by

    from sklearn.datasets import load_digits
    d = load_digits()
    np.savez_compressed("digits.npz", images=d.images.astype(np.uint8), labels=d.target.astype(np.uint8))
"""

from importlib.resources import files

import numpy as np
import torch
from torch import Tensor

# The set holds one writer's sheet after another (each 0..9 three times over before the mixed rest).
# One begins at 1,415, so that no sheet is divided, though a writer with two sheets may be in both splits.
# The bounds are those of the scikit-learn course's chapter on sample grouping.
TRAIN_SIZE = 1_415


def read_digits(split: str) -> tuple[Tensor, Tensor]:
    """Images (n, 8, 8) with values 0 to 16 and labels (n,), both uint8 on the CPU, in the order of the file.

    `split` is "train" (the first 1,415) or "test" (the last 382).
    """
    part = slice(TRAIN_SIZE) if split == "train" else slice(TRAIN_SIZE, None)
    with files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        return torch.from_numpy(arrays["images"][part]), torch.from_numpy(arrays["labels"][part])
