#!/bin/sh
# The harness calls this to install OpenFHE, which qtool does not use.
exit 0
