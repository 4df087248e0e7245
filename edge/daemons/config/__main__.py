import sys

from edge.daemons.config.compose import main

sys.exit(main())
