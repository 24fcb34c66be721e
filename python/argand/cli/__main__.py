"""Run the command line as a module: ``python -m argand.cli`` does what ``argand`` does."""

from argand.cli import main

# Worker processes import this module again, and must not run the command line.
if __name__ == "__main__":
    raise SystemExit(main())
