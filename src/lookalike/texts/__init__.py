"""What a text is made of: its words, its language, whether it parses."""
