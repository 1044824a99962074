"""`fmt`: the text of a manifest in canonical order and layout; lines move, values are never written anew."""
