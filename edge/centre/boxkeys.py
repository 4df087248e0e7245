"""Both sides of an enrolment on one machine, as the demo and the tests need it."""

from edge.centre.authority import Authority
from edge.config.places import Places
from edge.core.words import BoxId, SiteId
from edge.enrol.keys import lay_out, make_box_keys


def enrol_here(authority: Authority, places: Places, site: SiteId, box: BoxId | None = None) -> BoxId:
    """Make a box's keys, admit it, and lay what the centre gives where the box's daemons look for it."""
    applicant = make_box_keys(places, box)
    answer = authority.admit(applicant.box, site, public=applicant.public, request=applicant.request)
    lay_out(answer, certificates=places.secrets, trust=places.trust)
    return applicant.box
