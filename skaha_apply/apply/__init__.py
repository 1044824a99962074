"""Carrying a plan out: nothing lost, nothing twice. Works on the ports of the model; knows no HTTP and no files."""
