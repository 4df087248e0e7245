import sys

from edge.daemons.relay import main

sys.exit(main(sys.argv[1:]))
