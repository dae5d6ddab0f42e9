"""What speaks for a hypothesis at a point, a module a kind of evidence; what the judge reads."""
