"""Faults: what goes wrong at a provider, and whether an application survives it."""
