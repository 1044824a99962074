"""`run`: passes over the projects of some manifests, one after the other, until a signal ends them."""
