"""What people write, as objects: expressions, specifications of objects, claims. All is parsed, nothing evaluated."""
