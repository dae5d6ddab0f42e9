"""Points shared out among the parts: verdicts that agree in space and over time; what the mask network reads."""
