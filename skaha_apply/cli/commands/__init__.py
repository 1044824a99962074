"""One module a command: `skaha-apply X` is `X.py`."""
