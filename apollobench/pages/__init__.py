"""Pages in HTML, served or written to a folder: one look, one way to fill in templates, one guarded server."""
