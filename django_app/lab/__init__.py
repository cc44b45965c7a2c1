"""The reference app: real long tasks, and a page that measures what offloading them changes."""
