"""Plots as inline SVG: they need no library, follow the page's colours and stay sharp in print."""
