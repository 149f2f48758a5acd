// Made by `lokt init --agent opencode`; `lokt init --undo` removes it again unless it was changed.
// It asks `lokt hook opencode` before a tool edits a file or runs a shell command, so that two agents do not edit
// one file at a time. Where lokt is not installed, it does nothing.
import { spawn } from "node:child_process"

const STRICT = false
const EDITS = ["edit", "write", "multiedit", "patch", "apply_patch"]
const UNCHECKED = "this repository wants no edit that lokt has not checked: install lokt, or a newer one"

/** Runs the hook; the answer is undefined where the hook did not run, or failed. */
function hook(payload) {
  const words = STRICT ? ["hook", "--strict", "opencode"] : ["hook", "opencode"]
  return new Promise((resolve) => {
    const child = spawn("lokt", words, { stdio: ["pipe", "pipe", "ignore"] })
    let answer = ""
    child.on("error", () => resolve(undefined))
    child.stdout.on("data", (part) => (answer += part))
    child.on("close", (code) => resolve(code === 0 ? answer.trim() : undefined))
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(payload))
  })
}

export const Lokt = async ({ directory }) => {
  const calls = new Map()
  const note = (event, sessionID) => hook({ event, sessionID, directory })
  return {
    "chat.message": async (input) => {
      await note("chat.message", input.sessionID)
    },
    "tool.execute.before": async (input, output) => {
      const { tool, sessionID, callID } = input
      if (tool !== "bash" && !EDITS.includes(tool)) return
      calls.set(callID, { sessionID, args: output.args })
      const text = await hook({ event: "tool.execute.before", sessionID, callID, tool, args: output.args, directory })
      if (text === undefined && STRICT && EDITS.includes(tool)) throw new Error(UNCHECKED)
      const { deny, command } = text ? JSON.parse(text) : {}
      if (deny) {
        calls.delete(callID)
        throw new Error(deny)
      }
      if (command) output.args.command = command
    },
    "tool.execute.after": async (input) => {
      const { tool, sessionID, callID } = input
      if (!calls.has(callID)) return
      const { args } = calls.get(callID)
      calls.delete(callID)
      await hook({ event: "tool.execute.after", sessionID, callID, tool, args, directory })
    },
    event: async ({ event }) => {
      const { type, properties = {} } = event
      const sessionID = properties.sessionID ?? properties.info?.id
      // Calls that failed have no event of their own.
      if (type === "session.idle") calls.forEach((it, id) => it.sessionID === sessionID && calls.delete(id))
      if (["session.created", "session.idle", "session.deleted", "permission.asked"].includes(type)) {
        await note(type, sessionID)
      }
    },
  }
}
