"""Comparing two arms: what they are, how they are measured, what is kept of it, and what it says."""
