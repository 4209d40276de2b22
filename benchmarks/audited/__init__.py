"""Other people's compressors as they are installed: one file a package, a few lines of glue, nothing copied."""
