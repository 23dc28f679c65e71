"""What sampled digits are measured by, in one table, in features of our own classifier."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from gentutor import data
from gentutor.metrics import classifier
from gentutor.metrics.frechet import frechet_distance, moments
from gentutor.metrics.neighbours import nearest, precision_recall
from gentutor.models import pca

NUMBER = 10_000  # samples that are measured, and noise, and draws of the Gaussian fit


@dataclass(frozen=True)
class Quality:
    """One row of the table.

    Attributes:
        frechet: the Fréchet distance to the training set, in features.
        precision, recall: against the test set, in features: the share of samples that lie among test
            digits, and of test digits that lie among samples.
        counts: how many samples the classifier puts in each class.
        share_error: the largest difference of a class's share from the training set's.
    """

    frechet: float
    precision: float
    recall: float
    counts: list[int]
    share_error: float

    def rounded(self) -> dict[str, float | list[int]]:
        """As plain values of four decimals."""
        return {key: round(v, 4) if isinstance(v, float) else v for key, v in asdict(self).items()}


def quality(rows: dict[str, Tensor], name: str = "mnist") -> dict[str, Quality]:
    """The table of pictures in [0, 1], (n, 1, 28, 28) each; it needs the data set itself."""
    judge, reference, _ = classifier.pretrained(f"classifier_{name}")
    device = next(iter(rows.values())).device
    judge.to(device)
    real, _ = judge.measure(data.load(name, "test").x[:NUMBER].to(device))
    shares = reference.counts / reference.counts.sum()
    found = {}
    for row, pictures in rows.items():
        features, classes = judge.measure(pictures)
        precision, recall = precision_recall(features, real)
        counts = torch.bincount(classes.cpu(), minlength=10)
        found[row] = Quality(
            frechet_distance(moments(features.cpu()), reference.moments),
            precision,
            recall,
            counts.tolist(),
            float((counts / counts.sum() - shares).abs().max()),
        )
    return found


def to_nearest(pictures: Tensor, name: str = "mnist") -> float:
    """The median Euclidean distance from pictures in [0, 1], (n, 1, 28, 28), to the nearest training digit.

    Far below a test digit's it would mean copies. 10,000 pictures take some 10 seconds of a core.
    """
    train = data.load(name).x.to(pictures.device)
    return float(nearest(pictures.flatten(1), train.flatten(1))[0].median())


def yardsticks(device: torch.device, name: str = "mnist") -> dict[str, Tensor]:
    """What samples are compared with: test digits, draws of a Gaussian fit on 30 directions, and noise."""
    train, test = (data.load(name, split).x.to(device) for split in ("train", "test"))
    return {
        "test": test[:NUMBER],
        "gaussian": gaussian_fit(train, NUMBER),
        "noise": noise(train, NUMBER),
    }


def gaussian_fit(X: Tensor, n: int, r: int = 30, seed: int = 0) -> Tensor:
    """n draws of N(m, Σ) on the r leading principal directions of pictures X, cut to [0, 1]."""
    fit = pca.fit(X.flatten(1), r)
    generator = torch.Generator().manual_seed(seed)
    spread = (fit.singular_values[:r] / fit.n**0.5).cpu()
    codes = torch.randn(n, r, generator=generator) * spread
    return fit.decode(codes.to(X)).clamp(0, 1).view(n, *X.shape[1:])


def noise(X: Tensor, n: int, seed: int = 0) -> Tensor:
    """n pictures of the shape of X, each pixel drawn from U[0, 1]."""
    return torch.rand(n, *X.shape[1:], generator=torch.Generator().manual_seed(seed)).to(X)
