"""Budgets: what a call to a model costs."""
