"""`python -m hardaudit`."""

import os
import sys

if __name__ == "__main__":
    # With -m Python looks for modules in the current directory first, which may be anyone's: /tmp, say.
    if not getattr(sys.flags, "safe_path", False) and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]

    from hardaudit.cli.main import main

    main()
