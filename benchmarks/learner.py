"""Whether the learner waits for data in the demo's training: ``python benchmarks/learner.py``.

Each model trains for a while under torch's profiler as `argand.learn.train` has it: one thread of torch, batches of its
recipe. The share is the time inside the loader's `next` over all time from the first batch to the last.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from argand.learn.recipes import RECIPES
from argand.learn.train import train
from goals import Goal, significant, verdict
from section import Section, main

GOAL = Goal("≤", 1, "%")
STEPS = 60


def waiting(model: str) -> tuple[float, float]:
    """Milliseconds of a step, and those of them in which there was nothing to learn from yet."""
    with (
        tempfile.TemporaryDirectory() as folder,
        profile(activities=[ProfilerActivity.CPU]) as profiler,
    ):
        train(model, out=Path(folder), steps=STEPS, score_samples=16, progress=False)
    fetches = [
        e.time_range for e in profiler.events() if e.name.startswith("enumerate(DataLoader)")
    ]
    assert len(fetches) >= STEPS, f"the profile shows {len(fetches)} batches of {STEPS}"
    fetches = sorted(fetches, key=lambda span: span.start)[:STEPS]
    asked = [later.start - earlier.end for earlier, later in itertools.pairwise(fetches)]
    waited = [span.end - span.start for span in fetches[1:]]
    steps = len(waited)
    return 1e-3 * (sum(asked) + sum(waited)) / steps, 1e-3 * sum(waited) / steps


def measure() -> Section:
    """The share of time that training waits for data."""
    lines = [("model", "batch", "ms a step", "ms waiting", "share %", "goal")]
    goals, numbers = [], {}
    for model, recipe in RECIPES.items():
        step, wait = waiting(model)
        share = 100 * wait / step
        judged = GOAL.judge(share)
        lines.append(
            (
                model,
                f"{recipe.batch_size}",
                f"{step:.3g}",
                f"{wait:.2g}",
                f"{share:.2g}",
                verdict(judged),
            )
        )
        goals.append({"group": "learner waiting for data", "who": model, **judged})
        numbers[model] = {"step_ms": significant(step), "waiting_ms": significant(wait)}
    return Section(
        "The learner and its data",
        "python benchmarks/learner.py",
        [
            f"torch.profiler over {STEPS} steps of `argand.learn.train`, torch {torch.get_num_threads()} thread, seed 0"
        ],
        lines,
        (1, 2, 3, 4, 5),
        goals,
        numbers,
    )


if __name__ == "__main__":
    main(measure, libraries_have_threads=True)
