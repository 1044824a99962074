"""Reads bash scripts: tokens, syntax tree, expansion of words, and a runner that runs no program."""
