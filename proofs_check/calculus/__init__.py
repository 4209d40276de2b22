"""What a combination of compressors inherits."""
