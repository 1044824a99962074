"""What a notebook shows: the values of the Python API as tables, and the progress of a method."""
