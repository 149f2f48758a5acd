// What clients of the official TypeScript SDK do with `lokt mcp`. One scenario a run:
//
//     CLIENTS=FOLDER node scenarios.cjs SCENARIO
//
// FOLDER is where the SDK is installed. Whatever must not happen ends the run with an exception.
"use strict";

const assert = require("node:assert");
const { fork } = require("node:child_process");
const { once } = require("node:events");

const sdk = (path) =>
    require(require.resolve(`@modelcontextprotocol/sdk/${path}`, { paths: [process.env.CLIENTS] }));
const { Client } = sdk("client/index.js");
const { StdioClientTransport } = sdk("client/stdio.js");

// On a machine that is busy with other tests.
const PATIENCE = 120_000;

async function connect(owner, ...flags) {
    const client = new Client({ name: "test", version: "1" });
    const env = { ...process.env, LOKT_OWNER: owner };
    const server = new StdioClientTransport({ command: "lokt", args: ["mcp", ...flags], env });
    await client.connect(server, { timeout: PATIENCE });
    // A tool with an output schema would have to give structured content that fits it; the client checks that.
    const { tools } = await client.listTools({}, { timeout: PATIENCE });
    assert(tools.every((tool) => tool.outputSchema === undefined));
    return client;
}

const call = (client, name, args, options = {}) =>
    client.callTool({ name, arguments: args }, undefined, { timeout: PATIENCE, ...options });

async function ok(client, name, args, options) {
    const result = await call(client, name, args, options);
    assert(!result.isError, JSON.stringify(result));
    return result.structuredContent;
}

async function refused(client, name, args) {
    const result = await call(client, name, args);
    assert(result.isError, `${name} is refused: ${JSON.stringify(result)}`);
    return [result.structuredContent, result.content[0].text];
}

// Progress as it comes, to wait for what it says.
function news() {
    const heard = [];
    const waiting = [];
    const look = () => {
        for (const { texts, resolve } of waiting) {
            if (heard.some((message) => texts.every((text) => message.includes(text)))) resolve();
        }
    };
    return {
        onprogress: ({ message }) => (heard.push(message), look()),
        until: (...texts) => new Promise((resolve) => (waiting.push({ texts, resolve }), look())),
    };
}

async function holding() {
    const [ada, bob] = [await connect("ada"), await connect("bob", "--allow-force")];
    const names = (await bob.listTools()).tools.map((tool) => tool.name);
    assert.deepEqual(names.slice(-3), ["reservations", "force_unlock", "unfreeze"]);
    const taken = await ok(ada, "lock", { name: "build", ttl: "5m" });
    assert.equal(taken.owner, "ada");
    const [blocked, text] = await refused(bob, "lock", { name: "build" });
    assert.equal(blocked.holder_owner, "ada");
    assert.match(text, /^error: lock "build" is held by ada [^]*\nnext: do other work/);
    assert.equal((await ok(bob, "why", { name: "build" })).status, "blocked");
    assert.equal((await ok(bob, "status", {})).locks[0].owner, "ada");
    assert.equal((await ok(bob, "audit", { name: "build" })).events.length, 2);
    await refused(bob, "run_tool", { id: "no/such-tool" });
    await refused(bob, "run_guarded", { names: ["build"], line: "true" });
    await ok(bob, "force_unlock", { name: "build" });
    await refused(ada, "unlock", { name: "build" });
    await Promise.all([ada.close(), bob.close()]);
}

async function waiting() {
    const clients = [];
    for (const owner of ["w0", "w1", "w2", "w3"]) clients.push(await connect(owner));
    await ok(clients[0], "lock", { name: "x" });
    const order = [];
    const waits = [];
    for (const [place, client] of clients.slice(1).entries()) {
        const { onprogress, until } = news();
        const wait = ok(client, "lock", { name: "x", wait: true, timeout: "2m" }, { onprogress });
        waits.push(wait.then((taken) => (order.push(taken.owner), ok(client, "unlock", { name: "x" }))));
        await until('waiting for lock "x"', `queue position ${place + 1}`, "held by w0");
    }
    await ok(clients[0], "unlock", { name: "x" });
    await Promise.all(waits);
    assert.deepEqual(order, ["w1", "w2", "w3"], "first come, first served");
    await Promise.all(clients.map((client) => client.close()));
}

async function cancelling() {
    const [holder, waiter] = [await connect("holder"), await connect("waiter")];
    await ok(holder, "lock", { name: "x" });
    const { onprogress, until } = news();
    const stop = new AbortController();
    const options = { onprogress, signal: stop.signal };
    const wait = call(waiter, "lock", { name: "x", wait: true, timeout: "30m" }, options);
    await until("queue position 1");
    stop.abort("not wanted any more");
    await assert.rejects(wait);
    // It leaves the line.
    while ((await ok(holder, "status", { name: "x" })).locks[0].waiters > 0);
    await ok(holder, "unlock", { name: "x" });
    assert.deepEqual((await ok(waiter, "status", {})).locks, [], "and does not get the lock later");
    await Promise.all([holder.close(), waiter.close()]);
}

async function output() {
    const client = await connect("ada");
    const line = "head -c 10000000 /dev/zero | tr '\\0' x; head -c 10000000 /dev/zero | tr '\\0' y >&2; exit 7";
    const run = await ok(client, "run_guarded", { names: ["x"], line, max_output_bytes: 524288 });
    assert.deepEqual([run.exit_code, run.stdout_bytes, run.stderr_bytes], [7, 10_000_000, 10_000_000]);
    assert(run.stdout_truncated && run.stdout.length > 524288 && run.stdout.endsWith("xxx"));
    await client.close();
}

async function killed() {
    const victim = fork(__filename, ["victim"]);
    const [message] = await once(victim, "message");
    assert.equal(message, "holding");
    victim.kill("SIGKILL");
    await once(victim, "exit");
    const client = await connect("next");
    for (const name of ["lease", "guarded"]) {
        await ok(client, "lock", { name, wait: true, timeout: "2m" });
    }
    await client.close();
}

async function victim() {
    const client = await connect("victim");
    await ok(client, "lock", { name: "lease" });
    require("node:child_process").execFileSync("mkfifo", ["held"]);
    // Its end comes with this process.
    call(client, "run_guarded", { names: ["guarded"], line: "exec cat held" }).catch(() => {});
    while ((await ok(client, "status", {})).locks.length < 2);
    process.send("holding");
}

async function many() {
    let inside = 0;
    let seen = 0;
    const one = async (_, at) => {
        const client = await connect(`agent-${at}`);
        await ok(client, "lock", { name: "x", wait: true, timeout: "10m" });
        assert.equal(++inside, 1, "never two are inside");
        await ok(client, "status", { name: "x" });
        seen += 1;
        inside -= 1;
        await ok(client, "unlock", { name: "x" });
        await client.close();
    };
    await Promise.all(Array.from({ length: 50 }, one));
    assert.equal(seen, 50);
}

const scenarios = { holding, waiting, cancelling, output, killed, victim, many };
setTimeout(() => assert.fail("no end in time"), PATIENCE).unref();
scenarios[process.argv[2]]().catch((error) => (console.error(error), process.exit(1)));
