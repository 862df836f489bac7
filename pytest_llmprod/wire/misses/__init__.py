"""Misses: what a user is told of a request without a recording, or the other way round."""
