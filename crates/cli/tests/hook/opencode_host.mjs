// Loads the plugins of a project and calls their hooks, as OpenCode does (https://opencode.ai/docs/plugins): each
// function that a module exports gets a context and returns hooks; each hook gets an input, and an output that it may
// change.
//
// node opencode_host.mjs FOLDER CALLS: CALLS is JSON, a list of [hook, input, output]. Prints for each call the output
// and the text of the error that a hook threw, and all that was logged.
import { readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"

const [, , folder, calls] = process.argv
const directory = resolve(folder)
const plugins = join(directory, ".opencode", "plugins")
const logged = []
const log = async ({ body }) => logged.push(body)
const context = { client: { app: { log } }, project: { id: "p", worktree: directory }, directory, worktree: directory }

const hooks = []
for (const name of readdirSync(plugins).filter((it) => it.endsWith(".js"))) {
  const module = await import(pathToFileURL(join(plugins, name)))
  for (const plugin of new Set(Object.values(module))) hooks.push(await plugin(context))
}

const outcomes = []
for (const [name, input, output] of JSON.parse(calls)) {
  let error = null
  try {
    for (const each of hooks) await each[name]?.(input, output)
  } catch (thrown) {
    error = thrown.message
  }
  outcomes.push({ output, error })
}
console.log(JSON.stringify({ outcomes, logged }))
