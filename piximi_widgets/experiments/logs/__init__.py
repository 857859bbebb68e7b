"""The logs of the dashboard: values, lines, tables, bars, heat maps and pictures."""
