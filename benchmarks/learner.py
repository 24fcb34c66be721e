"""Measure how long training waits for data: ``python benchmarks/learner.py``.

Each model of the demo trains for a while under torch's profiler, as `argand.learn.train` trains it:
one thread of torch, batches of its recipe. The share is the time inside the loader's `next` over
all time from the first batch to the last.
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

# Events of the profiler that are calls of the loader's `next` have names that begin so.
FETCH = "enumerate(DataLoader)"


def step_and_wait(model: str) -> tuple[float, float]:
    """Return the milliseconds of a training step, and those of them spent waiting for a batch."""
    with (
        tempfile.TemporaryDirectory() as folder,
        profile(activities=[ProfilerActivity.CPU]) as profiler,
    ):
        train(model, out=Path(folder), steps=STEPS, score_samples=16, progress=False)
    fetches = [event.time_range for event in profiler.events() if event.name.startswith(FETCH)]
    assert len(fetches) >= STEPS, f"the profile shows {len(fetches)} batches of {STEPS}"
    fetches = sorted(fetches, key=lambda span: span.start)[:STEPS]
    computing = sum(later.start - earlier.end for earlier, later in itertools.pairwise(fetches))
    waiting = sum(span.end - span.start for span in fetches[1:])
    # The profiler counts in microseconds.
    steps = len(fetches) - 1
    return 1e-3 * (computing + waiting) / steps, 1e-3 * waiting / steps


def measure() -> Section:
    """Measure the share of time that training waits for data."""
    lines = [("model", "batch", "ms a step", "ms waiting", "share %", "goal")]
    goals = []
    numbers = {}
    for model, recipe in RECIPES.items():
        step, wait = step_and_wait(model)
        share = 100 * wait / step
        judged = GOAL.judge(share)
        figures = (f"{recipe.batch_size}", f"{step:.3g}", f"{wait:.2g}", f"{share:.2g}")
        lines.append((model, *figures, verdict(judged)))
        goals.append({"group": "learner waiting for data", "who": model, **judged})
        numbers[model] = {"step_ms": significant(step), "waiting_ms": significant(wait)}
    threads = torch.get_num_threads()
    note = f"torch.profiler over {STEPS} steps of `argand.learn.train`, torch {threads} thread"
    return Section(
        title="The learner and its data",
        command="python benchmarks/learner.py",
        notes=[f"{note}, seed 0"],
        lines=lines,
        figures=(1, 2, 3, 4, 5),
        goals=goals,
        data=numbers,
    )


if __name__ == "__main__":
    main(measure, libraries_have_threads=True)
