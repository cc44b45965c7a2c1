"""The reference app: real long tasks, and the page that measures them."""
