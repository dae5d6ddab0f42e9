"""Robust fits of one joint: to flow (`joint_fit.py`) and to surfaces alone (`surface_fit.py`). NumPy and numba."""
