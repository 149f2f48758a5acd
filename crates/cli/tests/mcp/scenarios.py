"""What clients of the official Python SDK do with `lokt mcp`. One scenario a run, first in the current
revision of the protocol, then in the one before it, which has a handshake:

    python scenarios.py SCENARIO

Whatever must not happen ends the run with an exception.
"""

import json
import os
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters

# How the SDK calls what it does, and what it has to agree upon with the server. The first two are the same
# revision: `auto` asks for it, and falls back to the other one if that takes long.
REVISIONS = {"auto": "2026-07-28", "2026-07-28": "2026-07-28", "legacy": "2025-11-25"}
MODES = ["2026-07-28", "legacy"]
# On a machine that is busy with other tests.
PATIENCE = 120


@asynccontextmanager
async def client(*flags, owner="tester", mode=None):
    environment = {**os.environ, "LOKT_OWNER": owner}
    server = StdioServerParameters(command="lokt", args=["mcp", *flags], env=environment)
    mode = mode or os.environ["CLIENT_MODE"]
    async with Client(server, mode=mode) as connected:
        assert connected.protocol_version == REVISIONS[mode], connected.protocol_version
        yield connected


async def call(connected, tool, /, *, news=None, **arguments):
    result = await connected.call_tool(tool, arguments, progress_callback=news)
    text = "\n".join(block.text for block in result.content)
    assert text and not text.startswith("{"), f"a few lines of text, not the same JSON again: {text}"
    return result.structured_content, (text if result.is_error else None)


async def ok(connected, tool, /, **arguments):
    fields, error = await call(connected, tool, **arguments)
    assert error is None, error
    return fields


async def refused(connected, tool, /, **arguments):
    fields, error = await call(connected, tool, **arguments)
    assert error is not None, f"{tool} is refused: {fields}"
    return fields, error


class News:
    """Progress as it comes, to wait for what it says."""

    def __init__(self):
        self.sender, self.receiver = anyio.create_memory_object_stream(1000)
        self.last = -1

    async def __call__(self, progress, total, message):
        assert progress > self.last, "progress rises"
        self.last = progress
        self.sender.send_nowait(message)

    async def until(self, *texts):
        while True:
            message = await self.receiver.receive()
            if all(text in message for text in texts):
                return message


async def listing():
    mode = {"legacy": "legacy"}.get(os.environ["CLIENT_MODE"], "auto")
    async with client(mode=mode) as it:
        assert it.server_info.name == "lokt", it.server_info
        tools = {tool.name: tool for tool in (await it.list_tools()).tools}
        expected = ["lock", "unlock", "status", "why", "run_guarded", "run_once", "run_tool", "audit",
                    "reserve", "unreserve", "reservations"]
        assert list(tools) == expected, list(tools)
        for tool in tools.values():
            assert tool.description and tool.title, tool.name
            assert tool.input_schema["type"] == "object", tool.name
            assert tool.output_schema is None, "a schema would cost more than it says"
            arguments = json.dumps(tool.input_schema)
            for word in ["$ref", "anyOf", "oneOf", "null", "format", "\\n"]:
                assert word not in arguments, f"not all models understand {word}: {arguments}"
            for name, argument in tool.input_schema["properties"].items():
                assert argument["description"], f"{name} of {tool.name}"
        assert tools["status"].annotations.read_only_hint
        assert tools["run_guarded"].annotations.destructive_hint
        assert "first come, first served" in it.instructions
    async with client("--allow-force") as it:
        forced = {tool.name for tool in (await it.list_tools()).tools}
        assert forced - set(tools) == {"force_unlock", "unfreeze"}, forced


async def holding():
    async with client(owner="ada") as ada, client(owner="bob") as bob:
        taken = await ok(ada, "lock", name="build", ttl="5m", meta={"for": ["a", 1, None]})
        assert taken["status"] == "acquired" and taken["owner"] == "ada", taken
        assert taken["until"] == "connection" and taken["metadata"] == {"for": ["a", 1, None]}, taken
        fields, error = await refused(bob, "lock", name="build")
        assert fields["status"] == "blocked" and fields["exit_code"] == 2, fields
        assert fields["holder_owner"] == "ada", fields
        assert fields["holder_agent_id"] == taken["agent_id"], fields
        assert "held by ada" in error and "\nnext: do other work" in error and "hint" not in error, error
        why = await ok(bob, "why", name="build")
        assert why["status"] == "blocked" and why["reasons"][0]["type"] == "held", why
        [lock] = (await ok(bob, "status", name="build"))["locks"]
        assert lock["owner"] == "ada" and lock["fence"] == taken["fence"], lock
        fields, error = await refused(bob, "unlock", name="build")
        assert fields["exit_code"] == 4 and "not yours" in error, error
        renewed = await ok(ada, "lock", name="build", ttl="1m")
        assert renewed["renewed"] is True and renewed["previous_expires_at"] == taken["expires_at"], renewed
        assert "earlier than before" in renewed["note"], renewed
        assert (await ok(ada, "unlock", name="build"))["released"] == ["build"]
        assert (await ok(bob, "status"))["locks"] == []
        fields, _ = await refused(ada, "unlock", name="build")
        assert fields["exit_code"] == 3, fields
        assert (await ok(bob, "lock", name="build"))["owner"] == "bob"
        events = (await ok(ada, "audit", name="build"))["events"]
        kinds = [event["event"] for event in events]
        assert kinds == ["acquire", "deny", "renew", "release", "acquire"], kinds
        assert len((await ok(ada, "audit", name="build", limit=2))["events"]) == 2


async def same_owner():
    """Clients that were configured with the same owner exclude each other all the same."""
    async with client() as one, client() as other:
        await ok(one, "lock", name="x")
        fields, _ = await refused(other, "lock", name="x")
        assert fields["holder_owner"] == "tester", fields
        await refused(other, "unlock", name="x")


async def waiting():
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(owner=f"w{at}")) for at in range(4)]
        first, *others = clients
        await ok(first, "lock", name="x")
        order = []

        async def wait(at, news):
            taken = await ok(clients[at], "lock", name="x", wait=True, timeout="2m", news=news)
            order.append(taken["owner"])
            await ok(clients[at], "unlock", name="x")

        async with anyio.create_task_group() as group:
            for at in range(1, len(clients)):
                news = News()
                group.start_soon(wait, at, news)
                await news.until('waiting for lock "x"', f"queue position {at}", "held by w0")
            await ok(first, "unlock", name="x")
        assert order == ["w1", "w2", "w3"], f"first come, first served: {order}"


async def cancelling():
    async with client(owner="a") as holder, client(owner="b") as waiter, client(owner="c") as next_one:
        await ok(holder, "lock", name="x")
        news = News()
        async with anyio.create_task_group() as group:
            async def wait():
                await waiter.call_tool(
                    "lock", {"name": "x", "wait": True, "timeout": "30m"}, progress_callback=news
                )

            group.start_soon(wait)
            await news.until("queue position 1")
            group.cancel_scope.cancel()
        # It has left the line: who comes later is first in it.
        behind = News()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: ok(next_one, "lock", name="x", wait=True, news=behind))
            await until_alone_in_line(holder)
            await behind.until("queue position 1")
            await ok(holder, "unlock", name="x")
        # And the client goes on as if nothing had been.
        assert (await ok(waiter, "status", name="x"))["locks"][0]["owner"] == "c"


async def until_alone_in_line(connected):
    while True:
        [lock] = (await ok(connected, "status", name="x"))["locks"]
        if [waiter["owner"] for waiter in lock["queue"]] == ["c"]:
            return


async def cancelling_a_run():
    """A command that is not wanted any more ends, also one that does not heed SIGTERM, and its lock is free."""
    async with client() as it, client() as other:
        for line in ["exec cat held", "trap '' TERM; cat held"]:
            os.mkfifo("held")
            news = News()
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: call(it, "run_guarded", names=["x"], line=line, news=news))
                await news.until("running for")
                await until_held_by_a_guard(other)
                group.cancel_scope.cancel()
            await ok(other, "lock", name="x", wait=True, timeout="2m")
            await ok(other, "unlock", name="x")
            os.unlink("held")


async def until_held_by_a_guard(connected):
    while not (await ok(connected, "status", name="x"))["locks"]:
        pass


async def output():
    async with client() as it:
        seq = "i=0; while [ $i -lt 10 ]; do head -c 1000000 /dev/zero | tr '\\0' x; i=$((i + 1)); done"
        line = f"echo first; {seq}; echo last; {{ echo FIRST; {seq}; echo LAST; }} >&2; exit 7"
        run = await ok(it, "run_guarded", names=["x"], line=line)
        assert run["exit_code"] == 7 and run["outcome"] == "completed", run
        for stream, first, last in [("stdout", "first", "last"), ("stderr", "FIRST", "LAST")]:
            text = run[stream]
            assert run[f"{stream}_bytes"] == 10_000_000 + len(first + last) + 2, run[f"{stream}_bytes"]
            assert run[f"{stream}_truncated"] is True
            assert len(text) < 70_000 and text.startswith(first) and text.endswith(last + "\n")
            assert "bytes are left out here" in text
        small = await ok(it, "run_guarded", names=["x"], line="printf abc", max_output_bytes=3)
        assert (small["stdout"], small["stdout_truncated"]) == ("abc", False), small
        words = await ok(it, "run_guarded", names=["x", "y"], command=["printf", "%s|", "--help", "a b"])
        assert words["stdout"] == "--help|a b|" and len(words["fences"]) == 2, words


async def running():
    """While a command runs, its client is told so; what it is told of the lock comes from its environment."""
    async with client() as it:
        os.mkfifo("gate")
        news = News()
        result = {}

        async def run():
            line = 'read line < gate; echo "$line $LOKT_NAME $LOKT_OWNER"; echo no >&2'
            result.update(await ok(it, "run_guarded", names=["x"], line=line, news=news))

        async with anyio.create_task_group() as group:
            group.start_soon(run)
            await news.until("running for")
            await anyio.to_thread.run_sync(lambda: open("gate", "w").write("open\n"))
        assert (result["stdout"], result["stderr"]) == ("open x tester\n", "no\n"), result


async def failing():
    """What went wrong, and what to do about it, is in the result."""
    async with client() as it:
        for arguments, code, text in [
            ({"names": ["x"], "command": ["no-such-program"]}, 127, "command not found"),
            ({"names": ["x"], "line": "cat", "max_hold": "0s"}, 64, '"max_hold" must be'),
            ({"names": ["x"], "line": "exec cat held", "max_hold": "100ms"}, 124, '"max_hold"'),
            ({"names": [], "line": "true"}, 64, '"names" must be a list of at least one'),
            ({"names": ["x"]}, 64, '"command" or "line" is missing'),
            ({"names": ["--shared"], "line": "true"}, 64, "not beginning with -"),
            ({"names": ["x"], "line": "true", "wait": True, "timeout": "2h"}, 64, '"timeout" must be'),
            ({"names": ["x"], "line": "true", "timeout": "5s"}, 64, '"timeout" needs "wait"'),
            ({"names": ["x"], "line": "true", "forced": True}, 64, '"forced" is not an argument'),
        ]:
            if "held" in arguments.get("line", ""):
                os.mkfifo("held")
            fields, error = await refused(it, "run_guarded", **arguments)
            assert fields["exit_code"] == code and text in error, error
            assert error.startswith("error: ") and error.splitlines()[-1] == f"next: {fields['next']}", error
        fields, error = await refused(it, "lock", name="x", until="unlock")
        assert '"ttl" is missing' in error, error
        fields, error = await refused(it, "run_tool", id="no/such-tool")
        assert fields["status"] == "refused" and fields["reason"] == "not-found", fields


async def forcing():
    async with client() as holder, client() as plain, client("--allow-force") as it:
        await ok(holder, "lock", name="x")
        try:
            await plain.call_tool("force_unlock", {"name": "x"})
            raise AssertionError("what is not listed cannot be called")
        except Exception as error:
            assert "unknown tool" in str(error), error
        assert (await ok(it, "force_unlock", name="x"))["released"] == ["x"]
        assert (await ok(plain, "lock", name="x"))["status"] == "acquired"
        await anyio.run_process(["lokt", "freeze", "cold", "--ttl", "1h", "--owner", "zoe"])
        fields, error = await refused(plain, "lock", name="cold")
        assert fields["reason"] == "frozen" and "frozen by" in error, fields
        news = News()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: ok(plain, "lock", name="cold", wait=True, timeout="2m", news=news))
            await news.until("next in the queue", "it is frozen by zoe")
            assert (await ok(it, "unfreeze", name="cold"))["status"] == "unfrozen"
        assert (await ok(it, "status", name="cold"))["locks"][0]["state"] == "held"


async def lasting():
    """A lease that was taken until it is unlocked outlives its connection; another does not."""
    async with client() as it:
        await ok(it, "lock", name="stays", until="unlock", ttl="5m")
        await ok(it, "lock", name="goes")
        # A renewal does not make one out of the other.
        assert (await ok(it, "lock", name="goes", until="unlock", ttl="5m"))["until"] == "connection"
        assert (await ok(it, "lock", name="stays"))["until"] == "unlock", "a renewal cuts nothing"
    async with client(owner="other") as other:
        locks = (await ok(other, "status"))["locks"]
        assert [lock["name"] for lock in locks if lock["state"] == "held"] == ["stays"], locks
        fields, _ = await refused(other, "lock", name="stays")
        assert fields["holder_owner"] == "tester", fields


async def once():
    """What one connection has found out is given to the next, and found out again when a file has changed."""
    async with client(owner="one") as one, client(owner="other") as other:
        with open("input", "w") as file:
            file.write("a")
        call_of = dict(name="lint", inputs=["input"], command=["sh", "-c", "echo ran >> log; cat input; exit 0"])
        for connected in [one, other]:
            result = await ok(connected, "run_once", **call_of)
            assert (result["status"], result["exit_code"], result["stdout"]) == ("completed", 0, "a"), result
        with open("input", "w") as file:
            file.write("bc")
        assert (await ok(other, "run_once", **call_of))["stdout"] == "bc"
        assert open("log").read() == "ran\nran\n", "it ran once for each content"
        line = dict(name="line", inputs=["input"], line="echo ran >> lines; cat input | tr b B")
        for connected in [one, other]:
            assert (await ok(connected, "run_once", **line))["stdout"] == "Bc"
        assert open("lines").read() == "ran\n", "a line is shared as a command is"
        fields, error = await refused(one, "run_once", name="lint", ttl="0s", command=["true"])
        assert fields["exit_code"] == 64, error


async def killed():
    """A client that is killed holds nothing any more, and nothing runs for it."""
    async with client(owner="next") as it:
        process = await anyio.open_process(
            [sys.executable, __file__, "victim"], stderr=None, env={**os.environ}
        )
        line = b""
        while b"\n" not in line:
            line += await process.stdout.receive()
        assert line == b"holding\n", line
        process.send_signal(signal.SIGKILL)
        await process.wait()
        for name in ["lease", "guarded"]:
            await ok(it, "lock", name=name, wait=True, timeout="2m")


async def victim():
    async with client(owner="victim") as it:
        await ok(it, "lock", name="lease")
        os.mkfifo("held")
        news = News()
        async with anyio.create_task_group() as group:
            group.start_soon(
                lambda: call(it, "run_guarded", names=["guarded"], line="exec cat held", news=news)
            )
            await news.until("running for")
            while len((await ok(it, "status"))["locks"]) < 2:
                pass
            print("holding", flush=True)


async def many():
    """Fifty connections at once, one after the other inside."""
    inside, seen = 0, 0

    async def one(at):
        nonlocal inside, seen
        async with client(owner=f"agent-{at}") as it:
            await ok(it, "lock", name="x", wait=True, timeout="10m")
            inside += 1
            assert inside == 1, "never two are inside"
            await ok(it, "status", name="x")
            seen += 1
            inside -= 1
            await ok(it, "unlock", name="x")

    async with anyio.create_task_group() as group:
        for at in range(50):
            group.start_soon(one, at)
    assert seen == 50, seen


async def perform(scenario):
    with anyio.fail_after(PATIENCE):
        await globals()[scenario]()


def perform_in_all_revisions(scenario):
    """Each with its own folder and its own root."""
    base = os.getcwd()
    for mode in MODES:
        folder = os.path.join(base, mode)
        os.mkdir(folder)
        os.chdir(folder)
        os.environ.update(CLIENT_MODE=mode, LOKT_ROOT=os.path.join(folder, "root"))
        anyio.run(perform, scenario)


if sys.argv[1] == "victim":
    anyio.run(perform, "victim")
else:
    perform_in_all_revisions(sys.argv[1])
