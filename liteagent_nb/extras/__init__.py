"""Strangers to one another: small things a notebook with models wants."""
