"""Comparing: what two answers to one question do differently."""
