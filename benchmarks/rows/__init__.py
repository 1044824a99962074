"""The rows of the table, one module for each topic."""

from benchmarks.rows import creates, idle, lint, memory, plan, start_up

ROWS = (*start_up.ROWS, *lint.ROWS, *plan.ROWS, *creates.ROWS, *idle.ROWS, *memory.ROWS)
