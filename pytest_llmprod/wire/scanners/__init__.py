"""Scanners: what finds a secret in a text."""
