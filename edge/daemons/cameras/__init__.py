"""kentongan-cameras: the inventory of the site's cameras and their pictures. The one part that talks to cameras."""
