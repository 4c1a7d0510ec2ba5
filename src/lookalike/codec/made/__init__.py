"""What is made afresh in place of real keys, names and addresses."""
