"""Values and decisions: no clock, no socket, no randomness of its own."""
