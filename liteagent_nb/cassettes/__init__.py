"""Recordings of whole runs: model replies, tool results and code executions, replayed without key or network."""
