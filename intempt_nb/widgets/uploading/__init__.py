"""The upload panel: pick rows, look at them, match their columns, send them, and put right what was rejected."""
