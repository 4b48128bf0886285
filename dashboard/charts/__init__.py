"""Charts: small tables in, a plotly Figure out. No page, no callback and no disk is known here."""
