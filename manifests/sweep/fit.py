"""Fit a polynomial to made-up data by gradient descent, and save its score: one point of a sweep."""

from __future__ import annotations

import json
import math
import os
import random
import sys
from pathlib import Path

DEGREES = {"linear": 1, "quadratic": 2, "cubic": 3, "quartic": 4}
STEPS = 400


def data() -> list[tuple[float, float]]:
    """Fifty points of a cubic with noise, the same at every run."""
    noise = random.Random(1)  # noqa: S311 - made-up data, no secret
    xs = [index / 25 - 1 for index in range(50)]
    return [(x, 0.3 - x + 0.5 * x**2 + 1.5 * x**3 + noise.gauss(0, 0.05)) for x in xs]


def loss(weights: list[float], points: list[tuple[float, float]]) -> float:
    """The mean squared error."""
    return sum((sum(w * x**n for n, w in enumerate(weights)) - y) ** 2 for x, y in points) / len(points)


def fit(degree: int, rate: float) -> float:
    """The loss after all steps."""
    points, weights = data(), [0.0] * (degree + 1)
    for _ in range(STEPS):
        errors = [(x, sum(w * x**n for n, w in enumerate(weights)) - y) for x, y in points]
        slopes = [2 * sum(error * x**n for x, error in errors) / len(points) for n in range(degree + 1)]
        weights = [w - rate * slope for w, slope in zip(weights, slopes, strict=True)]
    return loss(weights, points)


def main() -> int:
    """Fit, and save the score in one step."""
    model, rate, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    score = fit(DEGREES[model], float(rate))
    if not math.isfinite(score):
        print(f"{model} at rate {rate} does not converge", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{model}-{rate}.{os.getpid()}.part"
    part.write_text(json.dumps({"model": model, "rate": rate, "loss": score}))
    part.replace(folder / f"{model}-{rate}.json")
    print(f"{model} at rate {rate}: loss {score:.5f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
