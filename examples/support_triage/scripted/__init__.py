"""Scripted: a stand-in for a language model that triages tickets by keywords."""
