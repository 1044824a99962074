"""Variables and `${...}`."""
