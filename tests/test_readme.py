"""The examples of the README run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_python_examples_run(tmp_path, monkeypatch):
    pytest.importorskip("lightning")
    examples = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert len(examples) == 4
    (tmp_path / "tests").symlink_to(ROOT / "tests", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)
    assert (tmp_path / "pyrochlore.ccp4").stat().st_size > 10_000
    assert names["frac"].grad.abs().max() > 0
    assert names["samples"].amplitude.shape == (32, 13, 13, 13)
    assert all(e.r < 0.05 < 0.4 < e.r_known for e in names["estimates"])
