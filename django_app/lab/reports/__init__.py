"""The sales report: figures, forecast, chart and CSV of the first N orders."""
