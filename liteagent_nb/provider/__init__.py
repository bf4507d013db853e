"""codex-agent: an agent over HTTP as a model of litellm's, by litellm's own hook for custom providers."""
