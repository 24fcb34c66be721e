"""Forecast the parameters, memory and time of a training from its first few steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import torch

from argand.crystal import Crystal
from argand.learn.evaluate import torch_threads
from argand.learn.loading import Stream
from argand.learn.plan import BYTES_PER_WEIGHT
from argand.learn.settings import TrainingSettings
from argand.learn.task import PhaseTask
from argand.learn.weights import ModelSettings

__all__ = ["Forecast", "forecast_training"]

# Steps that are measured; one more comes first, in which tables are made.
_MEASURED_STEPS = 3


class Forecast(NamedTuple):
    """Hold what a training needs, from the settings and a few measured steps."""

    #: trained numbers of the network
    parameters: int
    #: bytes of the weights, their gradients and the moments of the optimiser
    weight_bytes: int
    #: bytes that a batch of samples takes
    batch_bytes: int
    #: samples a second that are simulated
    simulated_rate: float
    #: samples a second that the network is trained on, simulation included
    training_rate: float
    #: seconds of all steps at this rate, scores left out
    seconds: float


def forecast_training(
    settings: TrainingSettings, crystals: Sequence[Crystal], threads: int = 1
) -> Forecast:
    """Measure a few steps of a training on one process, and say what all of it will need.

    Parameters
    ----------
    settings, crystals
        What `plan_training` returns.
    threads
        Threads of torch.
    """
    recipe, data = settings.recipe, settings.data
    description = ModelSettings(settings.model, data.hkl_max, recipe.inputs, recipe.hyper)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.seed)
        net = description.build()
        dataset = data.dataset(crystals)
        task = PhaseTask(net, settings.loss, recipe, Stream(dataset, recipe.batch_size))
        optimizer = task.configure_optimizers()["optimizer"]
        simulation, learning = 0.0, 0.0
        net.train()
        with torch_threads(threads):
            for step in range(_MEASURED_STEPS + 1):
                start = time.perf_counter()
                first = step * recipe.batch_size
                batch = dataset.simulate(range(first, first + recipe.batch_size))
                simulated = time.perf_counter()
                optimizer.zero_grad()
                loss = task.training_step(batch, step)["loss"]
                torch.autograd.backward(loss)
                optimizer.step()
                if step:
                    simulation += simulated - start
                    learning += time.perf_counter() - simulated
    samples = _MEASURED_STEPS * recipe.batch_size
    rate = samples / (simulation + learning)
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return Forecast(
        parameters=parameters,
        weight_bytes=BYTES_PER_WEIGHT * parameters,
        batch_bytes=sum(field.numel() * field.element_size() for field in batch),
        simulated_rate=samples / simulation,
        training_rate=rate,
        seconds=recipe.steps * recipe.batch_size / rate,
    )
