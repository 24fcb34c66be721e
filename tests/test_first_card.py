"""The script for a first CUDA device, as far as it goes without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argand.cuda
import emulated

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tools"))

import card_checks  # noqa: E402
import first_card  # noqa: E402


@pytest.mark.skipif(argand.cuda.is_available(), reason="there is a device")
def test_without_a_device_the_script_fails(tmp_path):
    out = tmp_path / "card.json"
    command = [sys.executable, str(ROOT / "tools" / "first_card.py"), "--out", str(out)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 1
    assert "no CUDA device: " in process.stdout
    results = json.loads(out.read_text())
    assert list(results) == ["device"]
    assert results["device"]["outcome"] == "failed with 1"


@pytest.mark.parametrize("shape", ["box", "list", "lists", "points", "empty"])
def test_kernels_by_address_are_those_of_the_core(shape):
    harness = card_checks.Harness(emulated.module(), card_checks.HostMemory())
    for name, batch in card_checks.batches(small=True):
        if name.startswith(f"{shape} "):
            precision = str(batch.frac.dtype)
            error = card_checks.check_batch(harness, batch)
            assert error < card_checks.TOLERANCE[precision], name


def test_transforms_by_address_are_those_of_the_core():
    harness = card_checks.Harness(emulated.module(), card_checks.HostMemory())
    assert card_checks.check_transforms(harness, "float64", (7, 10, 12)) < 1e-12


def test_a_write_behind_an_output_is_found():
    memory = card_checks.HostMemory()

    def map_from_structure_factors(*arguments: Any) -> None:
        memory._arrays[arguments[6]][-card_checks.MARGIN] = 0

    cuda = type("Module", (), {"map_from_structure_factors": map_from_structure_factors})
    cuda.structure_factors_from_map_workspace = lambda *arguments: 0
    cuda.structure_factors_from_map = lambda *arguments: None
    harness = card_checks.Harness(cuda, memory)
    with pytest.raises(AssertionError, match="written behind an output"):
        card_checks.check_transforms(harness, "float64", (7, 10, 12))


def test_an_answer_that_was_not_written_is_wrong():
    values = np.array([1.0, np.nan])
    assert not card_checks.error_of(values, np.ones(2)) < 1


def python_step(code: str, seconds: float = 60) -> dict[str, Any]:
    return first_card.run_step([sys.executable, "-c", code], seconds, dict(os.environ))


def test_steps_end_in_time_and_say_how():
    assert python_step("import time; time.sleep(600)", 1)["outcome"] == "stopped after 1 s"
    assert python_step("raise SystemExit(3)")["outcome"] == "failed with 3"
    printed = python_step("print(1); print('{\"error\": 0.5}')")
    assert printed["outcome"] == "passed"
    assert printed["results"] == [{"error": 0.5}]
    missing = first_card.run_step(["no-such-program"], 1, {})
    assert missing["outcome"] == first_card.MISSING


def test_a_run_of_skipped_tests_has_failed():
    result = {"outcome": "passed", "output": "37 skipped in 0.1s"}
    first_card.require_tests_that_ran(result)
    assert result["outcome"] == "failed: no test ran"
