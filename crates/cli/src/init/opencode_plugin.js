// Made by `lokt init --agent opencode`; `lokt init --undo` removes it again unless it was changed.
// It asks `lokt hook opencode` before a tool edits a file or runs a shell command, so that two agents do not edit
// one file at a time. Where lokt is not installed, it does nothing.
import { spawn } from "node:child_process"

const STRICT = false
const EDITS = ["edit", "write", "multiedit", "patch", "apply_patch"]
const UNCHECKED = "this repository wants no edit that lokt has not checked: install lokt, or a newer one"

/**
 * Runs the hook. The outcome has `answer`, an object, and `flaw`, a line about a failure; each may be missing. If lokt
 * is not installed, both are missing.
 */
function run(payload) {
  const words = STRICT ? ["hook", "--strict", "opencode"] : ["hook", "opencode"]
  return new Promise((resolve) => {
    const child = spawn("lokt", words, { stdio: ["pipe", "pipe", "pipe"] })
    let [answer, text] = ["", ""]
    child.on("error", (error) => resolve(error.code === "ENOENT" ? {} : { flaw: `lokt hook: ${error.message}` }))
    child.stdout.on("data", (part) => (answer += part))
    child.stderr.on("data", (part) => (text += part))
    child.on("close", (code, signal) => {
      const flaw = text.trim().split("\n")[0]
      if (code !== 0) return resolve({ flaw: flaw || `lokt hook ended with ${signal ?? code}` })
      try {
        resolve({ answer: JSON.parse(answer.trim() || "{}") ?? {}, flaw })
      } catch {
        resolve({ flaw: "lokt hook gave an answer that this plugin cannot read: run lokt init again" })
      }
    })
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(payload))
  })
}

export const Lokt = async ({ client, directory }) => {
  const calls = new Map()
  const hook = async (payload) => {
    const { answer, flaw } = await run(payload)
    const body = { service: "lokt", level: "warn", message: flaw }
    // A log that fails or hangs must not keep the tool from running.
    const log = async () => client.app.log({ body })
    if (flaw) log().catch(() => {})
    return answer
  }
  const note = (event, sessionID) => hook({ event, sessionID, directory })
  return {
    "chat.message": async (input) => {
      await note("chat.message", input.sessionID)
    },
    "tool.execute.before": async (input, output) => {
      const { tool, sessionID, callID } = input
      if (tool !== "bash" && !EDITS.includes(tool)) return
      calls.set(callID, { sessionID, args: output.args })
      const answer = await hook({ event: "tool.execute.before", sessionID, callID, tool, args: output.args, directory })
      if (!answer && STRICT && EDITS.includes(tool)) throw new Error(UNCHECKED)
      const { deny, command } = answer ?? {}
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
