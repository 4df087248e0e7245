import sys

from edge.daemons.cameras import main

sys.exit(main(sys.argv[1:]))
