"""Pure data to plotly figures, as plain dictionaries: no clock, no network, no state."""
