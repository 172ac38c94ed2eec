"""What a Python session and a notebook see of answers: frames, text and HTML."""
