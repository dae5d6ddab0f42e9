"""Joint hypotheses: from flow, from surfaces where flow failed, along directions that axes are likely to have."""
