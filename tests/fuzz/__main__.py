"""Run a campaign: ``python -m fuzz --seconds 3600 --jobs 2 --out failures`` in the folder tests."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from fuzz.campaign import run_campaign
from fuzz.targets import targets
from fuzz.worker import Work

# Inputs of a campaign that is limited by its time alone.
_ENDLESS = 10**12


def main() -> int:
    """Run a campaign, print what was found, and return 1 where something failed."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="run for so long")
    parser.add_argument("--inputs", type=int, default=_ENDLESS, help="run at most so many inputs")
    parser.add_argument("--seed", type=int, default=0, help="decides all inputs")
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each")
    parser.add_argument("--jobs", type=int, default=1, help="run so many processes")
    parser.add_argument("--only", choices=sorted(targets()), help="run this reader alone")
    parser.add_argument("--out", type=Path, help="write inputs that fail into this folder")
    options = parser.parse_args()
    start = time.monotonic()
    work = Work(options.seed, options.first, 1, options.inputs, options.seconds, options.only)
    campaign = run_campaign(work, options.jobs, options.out)
    seconds = time.monotonic() - start
    total = sum(campaign.counts.values())
    print(campaign.table())
    print(f"{total} inputs in {seconds:.0f} s, {total / seconds:.0f} a second, seed {options.seed}")
    print(f"{len(campaign.failures)} kinds of failure")
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())
