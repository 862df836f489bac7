"""Handoff: what a team needs to start, and to run a feature without those who built it."""
