"""The generated world: real video files and questions whose needs are known, from a seed."""
