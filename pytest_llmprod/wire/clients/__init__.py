"""Clients: the HTTP libraries whose requests are recorded, each with an adapter."""
