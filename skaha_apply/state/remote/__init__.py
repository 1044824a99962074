"""What the stores of remote states share."""
