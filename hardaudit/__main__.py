"""`python -m hardaudit`."""

from hardaudit.cli.main import main

if __name__ == "__main__":
    main()
