"""Getting the videos that items need: from archives on this machine, else from the hub, and never more than that."""
