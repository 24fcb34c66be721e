"""``python -m argand.cli`` does what ``argand`` does."""

from argand.cli import main

raise SystemExit(main())
