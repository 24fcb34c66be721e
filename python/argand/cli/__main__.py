"""``python -m argand.cli`` does what ``argand`` does."""

from argand.cli import main

if __name__ == "__main__":  # processes that are started anew import this once more
    raise SystemExit(main())
