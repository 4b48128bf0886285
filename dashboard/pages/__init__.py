"""Pages: each has a `layout` without data and `register(app, workspace)` for the callbacks that fill it."""
