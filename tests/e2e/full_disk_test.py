"""A broker whose disk is full. Row 22 of the list of faults.

The disk is a small file system in memory, in a mount namespace that ends with the test. That needs root, or a system that gives users
namespaces of their own; without either the test is skipped.
"""
import errno
import os
import subprocess
import sys
import tempfile
import unittest

from farm import BIN, DEADLINE, MIB, DurableFarm, numbers

SKIPPED = 77
DISK = 192 * MIB  # the broker keeps 64 MiB in reserve, and is full when less than as much is free beside that
INSIDE = "STINT_TEST_IN_NAMESPACE"


class SmallDisk:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="stint-disk-")
        self.filler = os.path.join(self.path, "filler")

    def __enter__(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", self.path], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.path], check=True)
        os.rmdir(self.path)

    def fill(self):
        """Another program's file takes all that there is, though the broker may still be taking some."""
        with open(self.filler, "wb") as file:
            while left := self.left():
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, left)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def left(self):
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def make_room(self):
        os.unlink(self.filler)


class Row22DiskFull(unittest.TestCase):
    def setUp(self):
        self.disk = self.enterContext(SmallDisk())
        self.farm = self.enterContext(DurableFarm(where=self.disk.path))
        self.farm.worker("obey", "--name", "ada")
        self.gate = self.farm.gate()
        self.large = b"".join(b"%d %s\n" % (i, b"x" * 100_000) for i in range(40))
        self.running = self.farm.submit("--kind", "obey", "--name", "running", input=self.gate.task.encode() + b"\n" + self.large)
        self.gate.await_task()

    def fill_disk(self):
        """The broker sees it with its next commit, and knows it by the one after that."""
        self.disk.fill()
        for priority in ("1", "2"):
            self.assertEqual(self.farm.stint("priority", self.running, priority)[0], 0)

    def start_submitter(self):
        """What it says on standard error comes among its output, a line each."""
        command = f"{BIN}/stint", "submit", "--broker", self.farm.listen, "--kind", "obey", "--name", "later", "--quiet"
        submitter = self.farm.start("sh", "-c", 'exec "$@" 2>&1', "sh", *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        submitter.stdin.write(numbers(1, 100))
        submitter.stdin.close()
        return submitter

    @staticmethod
    def await_line(submitter, text):
        """Passes over what else it says, such as that the broker is back."""
        while (line := submitter.line()) and text not in line.decode():
            pass
        assert line, f"it says nothing of '{text}'"
        return line.decode()

    def finish(self):
        """What was accepted runs to its end, on a full disk."""
        self.gate.open()
        self.assertEqual(self.farm.stint("wait", self.running)[0], 0)
        self.assertEqual(self.farm.stint("results", self.running, "-k", "-q")[1], self.gate.task.encode() + b"\n" + self.large)

    def test_what_runs_finishes_and_new_tasks_wait_with_the_reason_until_there_is_room(self):
        self.fill_disk()
        submitter = self.start_submitter()
        said = self.await_line(submitter, "stands still")
        self.assertIn("the disk of " + self.farm.data.name, said)
        self.assertIn("stint forget", said)
        self.assertEqual(self.farm.job("later")["stalled"], "no_room")
        self.finish()
        self.assertEqual((self.farm.job("later")["total"], submitter.poll()), (0, None))
        self.disk.make_room()
        self.assertEqual(submitter.lines()[-1], b"2")  # its id, when all is accepted
        self.assertEqual(submitter.returncode, 0)
        self.assertEqual(self.farm.stint("wait", "later")[0], 0)
        self.assertEqual(self.farm.stint("results", "later", "-k", "-q")[1], numbers(1, 100))

    def test_a_broker_that_is_killed_there_starts_again_and_finishes_what_it_had_accepted(self):
        self.fill_disk()
        submitter = self.start_submitter()
        self.await_line(submitter, "the disk of")
        self.farm.replace_broker()
        self.finish()
        self.disk.make_room()
        self.assertEqual(submitter.lines()[-1], b"2")
        self.assertEqual(submitter.returncode, 0)


def enter_a_namespace():
    """Starts this once more where it may mount; returns when that cannot be."""
    for user in ([], ["--user", "--map-root-user"]):
        command = ["unshare", "--mount", *user]
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp(command[0], [*command, sys.executable, *sys.argv])


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_a_namespace()
        print("skipped: this system lets us make no mount namespace")
        sys.exit(SKIPPED)
    unittest.main()
