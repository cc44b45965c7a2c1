"""The sales report on the first N orders: figures, forecast, chart and CSV."""
