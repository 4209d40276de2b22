"""What people write, as objects: expressions, specifications, counts. All is parsed, nothing evaluated."""
