"""One request until its end: connections, throttle, retries."""
