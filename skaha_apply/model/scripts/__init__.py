"""Values that a script gives: how they become values of the model."""
