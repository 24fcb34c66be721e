"""Put trained weights into the package, with a card of what they are and what they reach.

``python tools/package_weights.py RUN NAME --samples N --limits TEXT`` copies the weights that
``argand train`` wrote to RUN, and scores them as ``argand evaluate NAME --samples N`` does. The
card has the scores of a few samples too, which a test computes again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from argand.learn.evaluate import evaluate
from argand.learn.weights import TRAINED, load_weights, save_weights
from argand.store import write_json

# Samples of the scores that a test computes again.
FEW_SAMPLES = 16


def main() -> None:
    """Copy, score, and write the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of argand train")
    parser.add_argument("name", help="name of the weights in the package")
    parser.add_argument("--command", required=True, help="how they were trained")
    parser.add_argument("--samples", type=int, default=1000, help="samples that are scored")
    parser.add_argument("--limits", required=True, help="what they are not made for")
    options = parser.parse_args()
    net, settings = load_weights(options.run)
    save_weights(TRAINED / options.name, net, settings)
    card = {
        "command": options.command,
        "seed": 0 if settings.data is None else settings.data.seed,
        "limits": options.limits,
        "samples": options.samples,
        "scores": evaluate(options.name, options.samples),
        "few_samples": FEW_SAMPLES,
        "few_scores": evaluate(options.name, FEW_SAMPLES),
    }
    write_json(TRAINED / f"{options.name}.card.json", card, kind="card of weights", version=1)


if __name__ == "__main__":
    main()
