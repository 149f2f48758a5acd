"""Tests of the Python package with real processes. scripts/check-python runs them with a program on the PATH."""

import fcntl
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

import lokt

HOLD = "import lokt, sys\nwith lokt.lock('x'):\n print('in', flush=True)\n sys.stdin.read()"


def run(*words):
    """Runs lokt as another caller."""
    variables = {**os.environ, "LOKT_OWNER": "other"}
    return subprocess.run(["lokt", *words], env=variables, capture_output=True, text=True, check=False)


def start(program, *arguments):
    """Starts a Python process and waits until it has printed a line."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdin=pipe, stdout=pipe, text=True)
    return process, process.stdout.readline().strip()


def is_free(name):
    return run("guard", name, "--", "true").returncode == 0


def becomes_free(name):
    """Whether the lock is given back at all. The wait ends as soon as it is."""
    return run("guard", name, "--wait", "--timeout", "20s", "--", "true").returncode == 0


class LockTest(unittest.TestCase):
    """Each test has a repository."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        subprocess.run(["git", "init", "--quiet"], check=True)

    def test_a_block_holds_the_lock_and_gives_it_back(self):
        for _ in range(3):
            with lokt.lock("x", "y", command=["me"]) as held:
                self.assertTrue(held.is_held)
                self.assertEqual(run("guard", "x", "--", "true").returncode, 2)
                status = json.loads(run("status", "y", "--json").stdout)
                self.assertEqual((status["command"], status["fence"]), (["me"], held.fences[1]))
            self.assertFalse(held.is_held)
            self.assertTrue(is_free("x") and is_free("y"))

    def test_an_error_in_the_block_gives_the_lock_back(self):
        with self.assertRaises(KeyError), lokt.lock("x"):
            raise KeyError
        self.assertTrue(is_free("x"))

    def test_a_refusal_tells_of_the_holder(self):
        process, _ = start(HOLD)
        with self.assertRaises(lokt.LockDenied) as caught, lokt.lock("x"):
            self.fail("it is held")
        denied = caught.exception
        self.assertEqual((denied.name, denied.reason, denied.waited), ("x", "held", None))
        self.assertTrue(denied.holder.command[0].startswith("python"), denied.holder)
        self.assertTrue(denied.hints)
        with self.assertRaises(lokt.LockDenied) as caught, lokt.lock("x", wait=True, timeout=0.05):
            self.fail("it is held")
        self.assertGreaterEqual(caught.exception.waited, 0.05)
        process.communicate("")
        self.assertTrue(is_free("x"))

    def test_a_lease_of_this_caller_is_shown_as_its_own(self):
        # Without a terminal session that all processes can see, each call would be another agent.
        variables = {**os.environ, "LOKT_AGENT_ID": "one-agent"}
        subprocess.run(["lokt", "lock", "x"], check=True, capture_output=True, env=variables)
        words = [sys.executable, "-c", "import lokt\nwith lokt.lock('x') as it: print(it.is_held)"]
        done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout, "True\n", f"a guard runs under its caller's lease: {done.stderr}")

    def test_each_way_of_dying_gives_the_lock_back(self):
        for death in [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGSEGV]:
            process, _ = start(HOLD)
            self.assertFalse(is_free("x"))
            process.send_signal(death)
            process.communicate()
            self.assertTrue(becomes_free("x"), death)
        leave = HOLD.replace("sys.stdin.read()", "__import__('os')._exit(3)")
        process, _ = start(leave)
        process.communicate()
        self.assertTrue(becomes_free("x"))

    def test_a_killed_waiter_leaves_the_queue(self):
        waiting = "import lokt\nprint('go', flush=True)\nwith lokt.lock('x', wait=True): pass"
        with lokt.lock("x"):
            process, _ = start(waiting)
            self._await_waiters(1)
            process.kill()
            process.communicate()
            self._await_waiters(0)

    def test_an_interrupted_wait_leaves_the_queue(self):
        program = "import lokt, signal\nsignal.signal(signal.SIGALRM, lambda *_: 1 / 0)\nprint('go', flush=True)\n"
        program += "try:\n with lokt.lock('x', wait=True): print('in')\n"
        program += "except ZeroDivisionError: print('left', flush=True)\n"
        program += "with lokt.lock('y'): print(input(), flush=True)"
        with lokt.lock("x"):
            process, _ = start(program)
            self._await_waiters(1)
            process.send_signal(signal.SIGALRM)
            self.assertEqual(process.stdout.readline(), "left\n")
            self._await_waiters(0)
        self.assertEqual(process.communicate("the next lock works\n")[0], "the next lock works\n")

    def _await_waiters(self, number):
        while json.loads(run("status", "x", "--json").stdout)["waiters"] != number:
            pass

    def test_threads_exclude_each_other(self):
        seen = {"inside": 0, "entries": 0}

        def work():
            for _ in range(5):
                with lokt.lock("x", wait=True):
                    seen["inside"] += 1
                    self.assertEqual(seen["inside"], 1)
                    seen["entries"] += 1
                    seen["inside"] -= 1

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(seen["entries"], 30)

    def test_a_thread_inside_its_lock_may_take_it_again(self):
        with lokt.lock("x"):
            with lokt.lock("x"):
                pass
            self.assertFalse(is_free("x"))
            denied = []

            def other():
                try:
                    lokt.lock("x").acquire()
                except lokt.LockDenied as error:
                    denied.append(error)

            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            self.assertEqual(len(denied), 1, "another thread is another holder")
        self.assertTrue(is_free("x"))

    def test_a_wait_that_would_never_end_is_refused(self):
        program = "import lokt, sys\nwith lokt.lock('y'):\n print('in', flush=True)\n input()\n"
        program += " try:\n  with lokt.lock('x', wait=True): pass\n except lokt.Deadlock: print('refused')"
        refused = 0
        with lokt.lock("x"):
            process, _ = start(program)
            process.stdin.write("\n")
            process.stdin.flush()
            self._await_waiters(1)
            try:
                with lokt.lock("y", wait=True):
                    pass
            except lokt.Deadlock:
                refused += 1
        said, _ = process.communicate()
        self.assertEqual(process.returncode, 0)
        # If both begin to wait at one moment, it can be either.
        self.assertEqual(refused + said.count("refused"), 1, "each would wait for the other")

    def test_a_forked_child_has_no_part_in_the_lock(self):
        with lokt.lock("x") as held:
            child = multiprocessing.get_context("fork").Process(target=child_of_a_holder, args=(held,))
            child.start()
            child.join()
            self.assertEqual(child.exitcode, 0)
            self.assertFalse(is_free("x"), "the child's end is no end of the parent's lock")
            self.assertEqual(held.lost, ())
        self.assertTrue(is_free("x"))

    def test_the_lock_ends_with_its_process_although_a_forked_child_lives(self):
        program = "import lokt, os, sys\nheld = lokt.lock('x')\nheld.acquire()\nchild = os.fork()\n"
        program += "if child == 0:\n sys.stdin.read()\n os._exit(0)\nprint(child, flush=True)\nos.kill(os.getpid(), 9)"
        process, _ = start(program)
        self.assertTrue(becomes_free("x"))
        process.communicate("")

    def test_a_started_program_does_not_keep_the_lock(self):
        program = "import lokt, os, subprocess\nheld = lokt.lock('x')\nheld.acquire()\n"
        program += "print(subprocess.Popen(['sleep', '60']).pid, flush=True)\nos.kill(os.getpid(), 9)"
        process, sleeper = start(program)
        try:
            self.assertTrue(becomes_free("x"))
        finally:
            os.kill(int(sleeper), signal.SIGKILL)
            process.communicate()

    def test_a_pool_of_processes_works_one_at_a_time(self):
        for method in ["fork", "spawn"]:
            path = os.path.abspath("counter")
            with open(path, "w", encoding="ascii") as file:
                file.write("0")
            with multiprocessing.get_context(method).Pool(4) as pool:
                pool.map(add_one, [path] * 20)
            with open(path, encoding="ascii") as file:
                self.assertEqual(file.read(), "20", method)

    def test_there_is_one_holder_whatever_is_killed(self):
        seed = random.randrange(1 << 32)
        choice = random.Random(seed)
        fork = multiprocessing.get_context("fork")
        workers = [fork.Process(target=work_with_oracle) for _ in range(6)]
        for worker in workers:
            worker.start()
        for _ in range(60):
            at = choice.randrange(len(workers))
            # The kill comes at any instruction: this is no wait for something.
            time.sleep(choice.random() / 20)
            workers[at].kill()
            workers[at].join()
            self.assertEqual(workers[at].exitcode, -signal.SIGKILL, f"two holders, or an error, seed {seed}")
            workers[at] = fork.Process(target=work_with_oracle)
            workers[at].start()
        for worker in workers:
            worker.kill()
            worker.join()
            self.assertEqual(worker.exitcode, -signal.SIGKILL, f"two holders, or an error, seed {seed}")
        self.assertTrue(becomes_free("x"))
        with open("entries", encoding="ascii") as entries:
            self.assertGreater(len(entries.read()), 60, "the workers were in")

    def test_a_lock_that_is_taken_away_is_an_error(self):
        held = lokt.lock("x")
        with self.assertRaises(lokt.LockLost) as caught, held:
            run("unlock", "--force", "x")
            while not held.lost:
                pass
            self.assertEqual(held.lost, ("x",))
        self.assertEqual(caught.exception.names, ("x",))
        with warnings.catch_warnings(record=True) as warned, self.assertRaises(KeyError), lokt.lock("x"):
            warnings.simplefilter("always")
            run("unlock", "--force", "x")
            raise KeyError
        self.assertEqual(len(warned), 1, "the block's own error is raised, and the loss is a warning")

    def test_a_killed_helper_is_a_loss(self):
        held = lokt.lock("x")
        with self.assertRaises(lokt.LockLost), held:
            pid = json.loads(run("status", "x", "--json").stdout)["pid"]
            os.kill(pid, signal.SIGKILL)
        with lokt.lock("x"):
            self.assertFalse(is_free("x"), "the next lock has another helper")

    def test_modes(self):
        with lokt.lock("r", shared=True):
            self.assertEqual(run("guard", "r", "--shared", "--", "true").returncode, 0)
            self.assertFalse(is_free("r"))
        with lokt.lock("s", slots=2):
            self.assertEqual(run("guard", "s", "--slots", "2", "--", "true").returncode, 0)
        with lokt.lock("t", ttl=60):
            self.assertGreater(json.loads(run("status", "t", "--json").stdout)["ttl_sec"], 0)

    def test_a_command_knows_that_it_runs_under_the_lock(self):
        with lokt.lock("x") as held:
            words = ["lokt", "guard", "x", "--", "printenv", "LOKT_HELD"]
            inner = subprocess.run(words, env=held.environment(), capture_output=True, text=True, check=False)
            self.assertEqual(inner.returncode, 0, inner.stderr)

    def test_the_root_is_that_of_the_working_folder(self):
        with lokt.lock("x"):
            first = os.getcwd()
            with tempfile.TemporaryDirectory() as folder:
                os.chdir(folder)
                subprocess.run(["git", "init", "--quiet"], check=True)
                thread = threading.Thread(target=lokt.lock("x").acquire)
                thread.start()
                thread.join()
                os.chdir(first)
        self.assertTrue(is_free("x"))

    def test_the_decorator(self):
        @lokt.guarded("x")
        def function(value, *, more):
            """Says so."""
            self.assertFalse(is_free("x"))
            return value + more

        self.assertEqual((function(1, more=2), function.__doc__), (3, "Says so."))
        self.assertTrue(is_free("x"))
        with self.assertRaises(TypeError):

            @lokt.guarded("x")
            async def later():
                pass

    def test_wrong_calls(self):
        for call in [lambda: lokt.lock(), lambda: lokt.lock("x", timeout=1)]:
            self.assertRaises(ValueError, call)
        for names in [("a/b",), ("x", "x")]:
            with self.assertRaises(lokt.LoktError), lokt.lock(*names):
                pass
        with lokt.lock("x") as held, self.assertRaises(RuntimeError):
            held.acquire()
        self.assertRaises(RuntimeError, held.release)

    def test_the_end_of_the_interpreter_is_quiet(self):
        program = "import lokt\nwith lokt.lock('x'): pass\nheld = lokt.lock('x')\nheld.acquire()\n"
        words = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(is_free("x"))


def child_of_a_holder(held):
    assert not held.is_held and held.lost == ()
    try:
        with lokt.lock("x"):
            os._exit(1)
    except lokt.LockDenied:
        held.release()


def work_with_oracle():
    """Enters until it is killed. A record lock of fcntl(2), which it never waits for, finds a second holder."""
    while True:
        with lokt.lock("x", wait=True), open("oracle", "w", encoding="ascii") as oracle:
            fcntl.lockf(oracle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open("entries", "a", encoding="ascii") as entries:
                entries.write(".")


def add_one(path):
    with lokt.lock("x", wait=True):
        with open(path, encoding="ascii") as file:
            count = int(file.read())
        with open(path, "w", encoding="ascii") as file:
            file.write(str(count + 1))


if __name__ == "__main__":
    unittest.main()
