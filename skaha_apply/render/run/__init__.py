"""A run: live table, lines, report, status."""
