"""Audit: the shipping checklist, judged by the evidence that lies on the disk."""
