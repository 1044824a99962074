"""One HTML file that shows projects at a glance; see docs/page.md."""
