"""The leaderboard as a page that needs no server, and as records for other sites."""
