import sys

from edge.daemons.alarm import main

sys.exit(main(sys.argv[1:]))
