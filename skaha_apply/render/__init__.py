"""What people and machines get to read: pure functions from values of the model to text; only `progress` draws."""
