"""Hooks: what pytest calls in a run; only this package and the way in import pytest."""
