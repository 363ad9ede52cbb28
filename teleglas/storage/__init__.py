"""What both bots remember: one database, its tables, verbs and migrations."""
