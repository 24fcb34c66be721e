"""Ctrl-C ends every long call soon: each kind is sent a real SIGINT in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import argand
from argand._signals import interruptible

# Seconds after which an interrupted call has to have ended. It takes less than one on an idle
# machine; the calls themselves take many times as long.
PATIENCE = 5.0

# Seconds after its begin at which a call is interrupted.
BEFORE_SIGNAL = 0.7

# Every call would take a minute or more: repetition stands for size, which a test machine lacks.
PREPARATION = """
import signal, sys
import numpy as np
import argand
# A program that was started in the background has inherited that SIGINT is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
rng = np.random.default_rng(3)
cell = (30.0, 31.0, 32.0, 90.0, 90.0, 90.0)

def crystal(atoms):
    return argand.Crystal(cell, types=("C",) * atoms, frac=rng.random((atoms, 3)))
"""

# One transform of 480^3 points, in a single step of Python.
MAP = """
hkl = argand.hkl_cube(2)
f = np.ones(len(hkl), complex)
call = lambda: argand.map_from_structure_factors(hkl, f, (480,) * 3, cell=cell, method="fft")
"""

F_OF_MAP = """
density = np.zeros((400, 400, 400), np.float32)
hkl = argand.hkl_cube(2)
call = lambda: argand.structure_factors_from_map(density, hkl, cell=cell, method="fft")
"""

MERGE = """
from argand.io import Reflections
from argand.measured import merge
hkl = rng.integers(-30, 31, (5_000_000, 3)).astype(np.int32)
value = rng.random(len(hkl))
observed = Reflections(hkl, intensity=value, sigma=value, cell=cell, spacegroup="P 21 21 21")
call = lambda: merge(observed)
"""

READ = """
path = sys.argv[1] + "/a.hkl"
with open(path, "w") as file:
    rows = [f"{h:4d}{h % 31:4d}{h % 17:4d}{1.5:8.2f}{.5:8.2f}" for h in range(1, 999)]
    file.write("\\n".join(1000 * rows))
call = lambda: argand.read_reflections(path)
"""

REFINE = """
from argand.refine import Model, refine
hkl = argand.miller_indices(cell, "P 1", 1.2)
model = Model(crystal(60), hkl)
p = rng.normal(0, 0.3, (3, len(model)))
amplitude = np.abs(model.structure_factors(p))
def call():
    refinement = refine(model, amplitude, None, on="F", cycles=500, tolerance=0.0)
    if refinement.interrupted:
        raise KeyboardInterrupt
"""

DIRECT = """
large, hkl = crystal(100_000), argand.miller_indices(cell, "P 1", 0.8)
call = lambda: argand.structure_factors(large, hkl, method="direct")
"""

NUFFT = """
large, hkl = crystal(1_000_000), argand.miller_indices(cell, "P 1", 0.4)
call = lambda: argand.structure_factors(large, hkl, method="nufft")
"""

ALIGN = """
from argand.phases import align_origin
hkl = rng.integers(-60, 61, (3000, 3))
call = lambda: align_origin(hkl, rng.random(3000), rng.random(3000), origins="continuous")
"""

LIST = """
call = lambda: argand.miller_indices((70.0, 71.0, 72.0, 90.0, 91.0, 90.0), "P 1", 0.8, unique=False)
"""

WAIT = """
print("ready", flush=True)
try:
    while True:
        call()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""

CALLS = {
    "map": MAP,
    "F of a map": F_OF_MAP,
    "merge": MERGE,
    "read": READ,
    "refine": REFINE,
    "direct": DIRECT,
    "nufft": NUFFT,
    "align": ALIGN,
    "list": LIST,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_ends_soon_after_ctrl_c(name: str, tmp_path: Path) -> None:
    if name == "nufft":
        pytest.importorskip("finufft")
    script = PREPARATION + CALLS[name] + WAIT
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(BEFORE_SIGNAL)
            process.send_signal(signal.SIGINT)
            start = time.monotonic()
            assert process.stdout.readline() == "interrupted\n"
            delay = time.monotonic() - start
            # What a library still computes in the background does not keep the process from ending.
            assert process.wait(timeout=PATIENCE) == 0
        finally:
            process.kill()
    print(f"{name}: {delay:.2f} s")
    assert delay < PATIENCE


def test_a_large_call_gives_its_result_and_its_error():
    numbers = np.arange(4.0)
    assert interruptible(10**9, np.sum, numbers) == 6.0
    with pytest.raises(ZeroDivisionError):
        interruptible(10**9, lambda: 1 // 0)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        interruptible(10**9, lambda: np.ones(1) / np.zeros(1))


def test_a_map_is_the_same_from_a_thread(monkeypatch):
    hkl = argand.hkl_cube(3)
    f = np.random.default_rng(4).normal(size=(len(hkl), 2)) @ [1, 1j]
    cell = (5.0, 6.0, 7.0, 90.0, 90.0, 90.0)

    def density() -> np.ndarray:
        return argand.map_from_structure_factors(hkl, f, (12, 15, 16), cell=cell, method="fft")

    expected = density()
    monkeypatch.setattr("argand._signals._SOON", 0)
    np.testing.assert_array_equal(density(), expected)
