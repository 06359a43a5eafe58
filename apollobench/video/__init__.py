"""Video files: what they hold (probe), which frames to read (plan), and the frames themselves (decode)."""
