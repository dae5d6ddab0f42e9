"""One file for each outside method: its conventions, and the conversion to ours."""
