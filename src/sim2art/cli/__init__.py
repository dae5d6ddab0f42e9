"""The command line: one small file a verb, and the table that finds them."""
