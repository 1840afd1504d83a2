"""One rate limit for the workers of a cluster: the driver paces, the workers ask."""
