"""Where depth was guessed: motion told from the images alone, and the depth made steady by it."""
