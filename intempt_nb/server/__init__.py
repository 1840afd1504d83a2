"""The embedded Intempt: the same API on this machine; shares no code with the client's API room."""
