"""Detectors that other projects keep, one file each; used where they are installed, never asked for.

`pip install 'ocsf-pipe[detectors]'` brings them. None of them reaches the network or tries out what it finds.
"""
