"""What the product costs, measured; each prints a table with the machine and the commit."""
