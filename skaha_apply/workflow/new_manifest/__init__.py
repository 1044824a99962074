"""The use cases that make a first manifest: `convert` of a script, `init`."""
