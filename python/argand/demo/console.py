"""The results in a terminal."""

from __future__ import annotations

from argand.report.results import ALL, MODEL_NAMES, NEVER, NEW, REFERENCE_NAMES, Results
from argand.viz.style import number


def summary(results: Results) -> str:
    """Scores and references as aligned text."""
    metals, held = results.settings["metals"], results.settings["held_out"]
    lines = [
        "",
        "Sum over reflections of 1 - cos(phase difference), mean over samples, after the best hand.",
        "",
    ]
    rows = [
        [
            "",
            "published",
            "invariant",
            "better by",
            "published",
            "invariant",
            "better by",
            "phase error",
        ]
    ]
    for model in results.models:
        row = [MODEL_NAMES.get(model, model)]
        for samples in (NEW, NEVER):
            plain, cured = (
                results.score(model, loss, samples).value for loss in ("published", "invariant")
            )
            row += [number(plain), number(cured), f"{number(plain / cured)} x"]
        rows.append([*row, f"{results.score(model, 'invariant', NEVER).phase_error:.2f} deg"])
    width = 25
    lines.append(f"{'':{width}}{'new samples':^36}{'elements never seen: ' + ', '.join(held):^48}")
    lines += [f"{row[0]:{width}}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows]
    lines += [
        "",
        f"{'without any training':{width}}{'new samples':>14}{'never seen':>14}{f'all {len(metals)} metals':>16}",
    ]
    for name, words in REFERENCE_NAMES.items():
        values = [results.reference(name, samples) for samples in (NEW, NEVER, ALL)]
        cells = [f"{r.value:.0f} ± {r.margin:.0f}" for r in values]
        lines.append(f"{words.lower():{width}}{cells[0]:>14}{cells[1]:>14}{cells[2]:>16}")
    if results.settings.get("rehearsal"):
        lines += ["", "A rehearsal: the trainings were too short to learn anything."]
    return "\n".join(lines)
