"""The graph of entries as text, Mermaid and SVG."""
