"""Composition: what needs several packages at once, and no pytest."""
