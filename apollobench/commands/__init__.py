"""What can be typed: each command is a few lines that call the package, and imports what it needs when it runs."""
