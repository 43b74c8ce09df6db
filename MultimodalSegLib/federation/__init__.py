"""Several sites train one model, and only weights and metrics leave each; the messages are NVIDIA FLARE's."""
