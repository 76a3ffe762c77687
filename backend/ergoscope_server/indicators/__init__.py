"""Pure functions from series to statements with their uncertainty: numpy in, readings and verdict out."""
