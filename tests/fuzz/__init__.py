"""Feed every reader of argand, and its functions on arrays, with inputs changed at random.

`python -m fuzz` in the folder `tests` runs a campaign; its inputs follow from a seed. Inputs that
failed once are kept in the folder `corpus`, and an ordinary test reads them again.
"""
