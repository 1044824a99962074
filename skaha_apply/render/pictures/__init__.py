"""Timelines and shares as PNG or SVG."""
