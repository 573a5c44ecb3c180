#!/usr/bin/env python3
"""FINSIGHT, in one process, but every operation called through the form it has between processes (server.wire).

usage: REAL_FINSIGHT=build/src/app/finsight wire.py ARGS...
A suite that is given this program in the place of the real one shows that the form of the wire loses nothing.
"""
import os
import sys

os.environ["FINSIGHT_SERVER_WIRE"] = "true"
os.execv(os.environ["REAL_FINSIGHT"], [os.environ["REAL_FINSIGHT"], *sys.argv[1:]])
