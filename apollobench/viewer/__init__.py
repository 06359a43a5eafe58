"""What models answered, item by item, with the frames that they saw: as served pages, or as a folder of files."""
