"""What the fields of values declare about their form in a text."""
