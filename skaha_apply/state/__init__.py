"""Where a project's memory lives: the document as text, the local file with its lock, saved logs, a store over http."""
