"""The numbers of a project: counts, pace, expected end and core-hours, computed once for every view."""
