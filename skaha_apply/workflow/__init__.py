"""The use cases: load, lint, observe, plan, approve, apply, report. Each stage is a page at most."""
