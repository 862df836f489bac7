"""The nouns that every package here shares; standard library only."""
