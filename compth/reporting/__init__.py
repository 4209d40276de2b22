"""What people see: text, LaTeX and HTML tables, figures, pages, the files they go to. Nothing is computed here."""
