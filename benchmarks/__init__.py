"""Benchmarks: what pytest-llmprod costs, beside bare pytest and pytest-recording."""
