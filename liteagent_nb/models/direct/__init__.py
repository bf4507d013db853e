"""OpenAI-compatible servers asked without litellm in between: litellm translates, one pooled client carries."""
