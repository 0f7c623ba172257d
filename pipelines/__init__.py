"""Story in, film out. Headless: knows no page, no server, no job, no setting."""
