#!/usr/bin/env node
// Starts the program of the package for this machine, in place of this one: arguments, streams, signals and the exit code
// are the program's.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@lokt/${process.platform}-${process.arch}`;

function program() {
  try {
    return require.resolve(`${name}/bin/lokt`);
  } catch {
    console.error(`error: the npm package ${name} is not installed`);
    console.error("hint: Lokt has packages for Linux on the processors that its documentation lists");
    console.error("hint: install lokt again without --omit=optional and --no-optional");
    process.exit(1);
  }
}

const child = spawn(program(), process.argv.slice(2), { stdio: "inherit" });
// A terminal sends its signals to both. Those that are sent to this process alone are passed on, and it ends with the program.
for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]) {
  process.on(signal, () => {
    if (signal === "SIGTERM" || signal === "SIGHUP" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("error", (error) => {
  console.error(`error: cannot run ${child.spawnfile}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exitCode = signal === null ? code : 128 + constants.signals[signal];
});
