"""A storm of 25 kills each of the broker, of workers and of clients; `kill_storm --kills N` makes it as long as one likes.
It is rows 12, 18 and 29 of the list of faults at random moments."""
import os
import pathlib
import subprocess
import sys
import unittest


class AStormOfKills(unittest.TestCase):
    def test_loses_nothing_and_doubles_nothing(self):
        command = [sys.executable, pathlib.Path(__file__).with_name("kill_storm"), "--kills", "25"]
        if seed := os.environ.get("STINT_SEED"):
            command += ["--seed", seed]
        self.assertEqual(subprocess.run(command).returncode, 0)


if __name__ == "__main__":
    unittest.main()
