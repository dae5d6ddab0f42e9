"""How good an answer is: metrics of one clip, runs over a set, tables. Knows no method; scores any."""
