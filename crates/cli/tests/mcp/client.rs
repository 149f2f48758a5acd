use crate::sandbox;
use lokt_testkit::{Running, Sandbox};
use serde_json::{Value, json};

/// A client that writes the protocol's messages, one per line.
pub(crate) struct Client {
    pub(crate) server: Running,
    asked: u32,
}

impl Client {
    /// Starts a server, without a handshake.
    pub(crate) fn open(it: &Sandbox) -> Self {
        Self::with(it.lokt(["mcp"]).start())
    }

    /// Talks to a server, without a handshake.
    pub(crate) fn with(server: Running) -> Self {
        Self { server, asked: 0 }
    }

    /// Starts a server and shakes hands with it.
    #[track_caller]
    pub(crate) fn connected(it: &Sandbox) -> Self {
        let mut client = Self::open(it);
        client.shake_hands();
        client
    }

    #[track_caller]
    pub(crate) fn shake_hands(&mut self) {
        self.asked += 1;
        self.write(&Self::handshake(self.asked, "2025-11-25").to_string());
        let answer = self.answer_to(&json!(self.asked));
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
        self.write(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    /// The request that begins an exchange, in a revision of the protocol.
    pub(crate) fn handshake(id: u32, revision: &str) -> Value {
        let client = json!({"name": "test", "version": "1"});
        let parameters =
            json!({"protocolVersion": revision, "capabilities": {}, "clientInfo": client});
        json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": parameters})
    }

    /// A call of a tool.
    pub(crate) fn request(id: u32, tool: &str, arguments: &Value) -> Value {
        let parameters = json!({"name": tool, "arguments": arguments});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": parameters})
    }

    /// Waits for the answer to a request.
    #[track_caller]
    pub(crate) fn answer_to(&mut self, id: &Value) -> Value {
        let line = self.server.prints(&format!(r#""id":{id},"#));
        serde_json::from_str(&line).expect("an answer is one line of JSON")
    }

    /// Writes a line with any content.
    pub(crate) fn write(&mut self, line: &str) {
        self.server.types(&format!("{line}\n"));
    }

    /// Sends a request, and returns its id.
    pub(crate) fn send(&mut self, method: &str, parameters: &Value) -> u32 {
        self.asked += 1;
        let id = self.asked;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters});
        self.write(&request.to_string());
        id
    }

    /// Sends a request, and waits for the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        let id = self.send(method, parameters);
        self.answer_to(&json!(id))
    }

    /// Sends a call of a tool, and returns its id.
    pub(crate) fn start(&mut self, tool: &str, arguments: &Value) -> u32 {
        self.send("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Calls a tool, and returns its structured result.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let answer = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        answer["result"]["structuredContent"].clone()
    }
}

#[test]
fn commands_ignore_the_signals_that_the_server_ignores() {
    let it = sandbox();
    let seen = "grep -E '^Sig(Ign|Blk)' /proc/self/status";
    for ignored in ["", "trap '' PIPE;", "trap '' XFSZ HUP INT TERM USR1 40;"] {
        let without = it.shell(&format!("{ignored} {seen}")).run().ok().out;
        let mut client = Client::with(it.shell(&format!("{ignored} exec lokt mcp")).start());
        client.shake_hands();
        let done = client.call("run_guarded", &json!({"names": ["x"], "line": seen}));
        assert_eq!(done["stdout"], without, "{ignored}: {done}");
        client.server.release();
    }
}

#[test]
fn requests_in_a_pipe_are_answered() {
    let it = sandbox();
    let mut client = Client::connected(&it);
    client.start("lock", &json!({"name": "x", "until": "unlock", "ttl": "5m"}));
    client.start("status", &json!({}));
    let done = client.server.release().ok();
    assert!(done.out.contains(r#""status":"acquired""#), "{done:#?}");
    assert!(done.out.contains(r#""locks":["#), "{done:#?}");
    assert_eq!(it.record("x")["hold"], "lease", "it outlives the connection");
    assert!(done.err.is_empty(), "nothing went wrong: {done:#?}");
}
