"""The IPython face: one file a magic."""
