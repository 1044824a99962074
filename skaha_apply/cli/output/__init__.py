"""Every byte for stdout and stderr: text of others made inert, secrets and session IDs masked."""
