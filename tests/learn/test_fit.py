"""The training loop by itself: its schedule, its gradient limit, and the order of its steps."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from argand.learn.fit import Training, fit
from argand.learn.schedule import warmup_cosine

STEPS = 40


class LineTraining(Training):
    """Fit a line to points that are drawn anew in every step."""

    def __init__(self, net: nn.Module) -> None:
        schedule = partial(warmup_cosine, steps=STEPS, warmup=0.05, cosine_start=0.0, lowest=0.0)
        super().__init__(net, 0.1, schedule, weight_decay=0.05)
        self.interrupt_at: int | None = None

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        if batch_idx == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        return nn.functional.mse_loss(self.net(batch), 3.0 * batch - 1.0)

    def train_dataloader(self) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(5)
        for _ in range(STEPS):
            yield torch.randn(8, 1, generator=generator)


def line() -> nn.Module:
    torch.manual_seed(2)
    return nn.Linear(1, 1)


def test_the_loop_is_adamw_with_schedule_and_limited_gradient():
    """Compare with the steps written out one after the other."""
    net = line()
    assert fit(LineTraining(net), STEPS, clip_norm=0.5) == STEPS

    reference = line()
    optimizer = torch.optim.AdamW(reference.parameters(), 0.1, weight_decay=0.05)
    batches = LineTraining(reference).train_dataloader()
    for step, batch in enumerate(batches):
        rise = min(1.0, 20.0 * step / STEPS)
        fall = 0.5 * (1.0 + math.cos(math.pi * step / STEPS))
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * rise * fall
        loss = nn.functional.mse_loss(reference(batch), 3.0 * batch - 1.0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reference.parameters(), 0.5)
        optimizer.step()
    for trained, expected in zip(net.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(trained, expected, rtol=1e-6, atol=1e-7)


def test_ctrl_c_ends_the_training_after_the_step():
    training = LineTraining(line())
    training.interrupt_at = 6
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"stopped at step 7 of 40$"):
        fit(training, STEPS)
    assert signal.getsignal(signal.SIGINT) is before


def test_training_leaves_the_global_generator_alone():
    net = line()
    state = torch.random.get_rng_state()
    fit(LineTraining(net), 3)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("warmup", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("lowest", [0.0, 0.02])
def test_the_schedule_rises_and_falls(warmup, lowest):
    factors = np.array(
        [
            warmup_cosine(step, 200, warmup=warmup, cosine_start=warmup, lowest=lowest)
            for step in range(201)
        ]
    )
    top = round(200 * warmup)
    assert factors[top] == pytest.approx(1.0)
    assert np.all(np.diff(factors[: top + 1]) >= 0)
    assert np.all(np.diff(factors[top:]) <= 0)
    assert factors[200] == pytest.approx(lowest)
    assert factors.min() >= lowest
