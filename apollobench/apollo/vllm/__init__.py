"""Apollo in vLLM (0.31 to 0.33): an exported folder is served with the towers, connector and prompt of this package."""
