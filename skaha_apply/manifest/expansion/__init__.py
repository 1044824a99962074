"""From an entry to its session specs: matrix, lists, tables, templates."""
