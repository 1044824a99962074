"""What may be shown: secrets, IDs of interactive sessions, text of others."""
