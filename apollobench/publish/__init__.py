"""A benchmark as others get it: a dataset directory for the hub, the way back from one, what differs between two."""
