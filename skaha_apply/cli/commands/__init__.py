"""One module for each command: the command `skaha-apply X` is in `X.py`."""
