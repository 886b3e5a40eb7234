"""`python -m ocsf_pipe` is `ocsf-pipe`."""

from ocsf_pipe.cli import main

if __name__ == "__main__":
    main()
