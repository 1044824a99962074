"""`fmt`: moves whole lines."""
