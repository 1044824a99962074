"""Measures skaha-apply next to other programs: `python -m benchmarks` writes docs/speed.md."""
