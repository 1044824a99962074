"""How values and errors of the Python API show themselves."""
