"""Many agent runs as one batch: records, a checkpoint, patience with the server, and limits of all together."""
