"""Lesions painted into real and made-up volumes: where, in what form, and how they look."""
