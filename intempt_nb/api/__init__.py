"""The Intempt REST API, and nothing else: keys, transport, resources, one function per call."""
