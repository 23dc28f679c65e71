"""Look among MNIST's training images for those that the shipped DCGAN's samples could be copies of.

    GENTUTOR_DATA=folder/of/MNIST python tools/nearest_digits.py          # a minute

It keeps the training images nearest to twelve samples, and how far 1,000 samples and 1,000 test images are
from the training image nearest to each. Lecture 07 shows the file,
gentutor/weights/nearest_mnist.safetensors.
"""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import torch  # noqa: E402

from gentutor import data, weights  # noqa: E402
from gentutor.metrics.neighbours import nearest  # noqa: E402
from gentutor.models import gan  # noqa: E402
from gentutor.recipes.vae import machine  # noqa: E402

SEED, SHOWN, MEASURED = 1, 12, 1_000


def main() -> None:
    """Measure, and write the file."""
    began = time.monotonic()
    generator, _ = gan.pretrained("gan_mnist")
    train, test = (data.load("mnist", split).x.flatten(1) for split in ("train", "test"))
    samples = ((generator.sample(MEASURED, seed=SEED) + 1) / 2).flatten(1)
    away, indices = nearest(samples, train)
    of_test, _ = nearest(test[:MEASURED], train)
    images = train[indices[:SHOWN, 0]].view(SHOWN, 28, 28)
    record = {
        "command": "python tools/nearest_digits.py",
        "seconds": round(time.monotonic() - began),
        "machine": machine(torch.device("cpu")),
        "seed": SEED,
        "figures": {
            "samples": [round(float(away.quantile(q)), 3) for q in (0.0, 0.5)],
            "test": [round(float(of_test.quantile(q)), 3) for q in (0.0, 0.5)],
        },
    }
    kept = {"images": (255 * images).round().byte()}
    weights.write(weights.FOLDER / "nearest_mnist.safetensors", kept, record)
    print(record)


if __name__ == "__main__":
    main()
