"""Plans as text, JSON, Markdown."""
