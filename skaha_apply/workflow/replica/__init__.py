"""What is known of one replica: its attempts, cause, events, log and dependencies."""
