"""Tests the oracles themselves, with the Python of .build-servers."""

import os
import sys
import unittest

for name in list(os.environ):
    if name.startswith(("AWS_", "GOOGLE_", "AZURE_", "GCE_")) or name.lower().endswith("_proxy"):
        del os.environ[name]

here = os.path.dirname(os.path.abspath(__file__))
suite = unittest.defaultTestLoader.discover(os.path.join(here, "oracle_tests"), top_level_dir=here)
result = unittest.TextTestRunner(verbosity=1).run(suite)
sys.exit(not (result.wasSuccessful() and result.testsRun > 0))
