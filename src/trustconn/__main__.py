"""`python -m trustconn` is the command `trustconn`."""

import sys

from .cli.main import main

sys.exit(main())
