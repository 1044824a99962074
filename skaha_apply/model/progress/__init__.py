"""The progress of a project: one summary, from which every view takes its numbers."""
