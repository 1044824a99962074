"""Completion of words in a shell: scripts from the tables of the help, and names from manifests and states."""
