import sys

from edge.daemons.cameras.compose import main

sys.exit(main(sys.argv[1:]))
