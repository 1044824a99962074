"""The numbers of a project, computed once for every view: counts, pace, end, core-hours, and what a pass leaves."""
