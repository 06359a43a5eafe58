"""Where models run: each module offers `check`, `load` and `readiness` (see `models.registry.Backend`)."""
