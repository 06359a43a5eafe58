"""Where models run: each module offers what `models.registry.Backend` says."""
