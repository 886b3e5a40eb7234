"""What tools promise to the models that use them, pinned: seen in logs, kept in a lockfile, compared with it."""
