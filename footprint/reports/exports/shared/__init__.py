"""What several exports share: the record that they are written from, and figures."""
