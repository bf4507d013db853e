"""Checks: what works in this installation, one small function a question, and the remedy for what does not."""
