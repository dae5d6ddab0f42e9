"""`python -m sim2art`: the command line, for launchers such as `torchrun -m sim2art`."""

import sys

from sim2art.cli.main import main

sys.exit(main())
