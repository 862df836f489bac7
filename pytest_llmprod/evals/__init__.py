"""Evals: frozen data sets, metrics, and the gate that switches a feature on or off."""
