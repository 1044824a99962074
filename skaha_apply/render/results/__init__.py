"""The results of `plan`, `apply` and `refresh` for report files: text, JSON, Markdown, JUnit, and counts for GitLab."""
