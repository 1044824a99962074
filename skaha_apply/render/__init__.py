"""Pure functions from values of the model to text, JSON and pictures.

Only `run.lines` and `run.live_table` keep something between two events: what they printed or drew before.
"""
