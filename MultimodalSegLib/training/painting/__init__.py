"""Training a model that paints lesions."""
