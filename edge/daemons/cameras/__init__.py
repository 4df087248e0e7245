"""kentongan-cameras: the inventory of the site's cameras and their pictures. The one part that talks to cameras."""

from edge.daemons.cameras.compose import main

__all__ = ["main"]
