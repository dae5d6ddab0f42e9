"""The other networks: the paper's slots and votes for each point, each as an estimate."""
