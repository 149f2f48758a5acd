//! HTTP requests to a real server: the request, the answer, and what other hosts do not get.

use crate::fixture::{Tool, ToolFixture, run_in_process, run_in_process_with};
use lokt_tool::run::{HttpResponse, ToolRunError, ToolRunOutcome};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const SERVER: &str = r#"
import http.server, json, os, signal, socketserver, ssl, sys, threading
calls = {}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items(): self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def serve(self):
        calls[self.path] = calls.get(self.path, 0) + 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        port = self.server.server_address[1]
        if self.path == "/away": self.answer(302, b"", Location=f"http://localhost:{port}/echo")
        elif self.path == "/near": self.answer(307, b"", Location="/echo")
        elif self.path == "/round": self.answer(302, b"", Location="/round")
        elif self.path == "/busy" and calls[self.path] < 3: self.answer(503, b"busy")
        elif self.path == "/text": self.answer(404, "n\u00f6".encode())
        elif self.path == "/hang": threading.Event().wait()
        elif self.path == "/interrupt":
            os.kill(os.getppid(), signal.SIGHUP)
            threading.Event().wait()
        elif self.path == "/big":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            for _ in range(65): self.wfile.write(b"x" * 1048576)
        else:
            sent = {name.lower(): value for name, value in self.headers.items()}
            told = {"method": self.command, "path": self.path, "headers": sent, "body": body, "calls": calls}
            self.answer(200, json.dumps(told).encode(), **{"X-A": "1"})
    do_GET = do_POST = do_PUT = do_DELETE = serve
    def log_message(self, *args): pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// A server that runs until this is dropped.
struct HttpTestServer {
    process: Child,
    address: String,
}

impl HttpTestServer {
    fn start() -> Self {
        Self::start_with("http", &[])
    }

    fn start_with(scheme: &str, certificate: &[&Path]) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", SERVER]).args(certificate).stderr(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).spawn().expect("python3 starts");
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, address: format!("{scheme}://127.0.0.1:{}", port.trim()) }
    }

    fn ask(&self, config: Value, parameters: &Value) -> Result<HttpResponse, ToolRunError> {
        let mut fixture = ToolFixture::new();
        fixture
            .environment
            .retain(|(name, _)| !name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy"));
        let mut tool = Tool::new("x.yaml", "rye/core/primitives/http_client", "");
        tool.config = config;
        let path = tool.config["url"].as_str().unwrap().to_owned();
        if path.starts_with('/') {
            tool.config["url"] = json!(format!("{}{path}", self.address));
        }
        fixture.run(&tool, parameters).map(|outcome| match outcome {
            ToolRunOutcome::Http(result) => result,
            ToolRunOutcome::Subprocess(_) => panic!("a request was to be sent"),
        })
    }
}

impl Drop for HttpTestServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_request_is_sent_as_the_config_says() {
    run_in_process(|| {
        let server = HttpTestServer::start();
        let config = json!({
            "method": "POST", "url": "/a/{q}?x={q}", "headers": {"X-B": "{q}", "X-N": 7},
            "body": {"q": "{q}", "all": "{n}"}, "auth": {"type": "bearer", "token": "{secret}"},
        });
        let parameters = json!({"q": "ü/&?", "n": {"a": [1]}, "secret": "s3"});
        let error = server.ask(config.clone(), &parameters);
        let answer = error.unwrap_or_else(|error| panic!("{error}"));
        assert!(answer.success() && answer.status_code == 200, "{:?}", answer.body);
        assert_eq!(answer.headers["x-a"], json!("1"));
        let told = &answer.body;
        assert_eq!(told["method"], json!("POST"));
        assert_eq!(told["path"], json!("/a/%C3%BC%2F%26%3F?x=%C3%BC%2F%26%3F"));
        assert_eq!(told["headers"]["authorization"], json!("Bearer s3"));
        assert_eq!(told["headers"]["content-type"], json!("application/json"));
        assert_eq!(told["headers"]["x-n"], json!("7"));
        let body: Value = serde_json::from_str(told["body"].as_str().unwrap()).unwrap();
        assert_eq!(body, json!({"q": "ü/&?", "all": {"a": [1]}}));
    });
}

#[test]
fn an_answer_that_is_no_json_is_text_and_a_failure_is_an_outcome() {
    run_in_process(|| {
        let answer = HttpTestServer::start().ask(json!({"url": "/text"}), &json!({})).unwrap();
        assert_eq!((answer.status_code, answer.body.clone()), (404, json!("nö")));
        assert!(!answer.success(), "only 2xx is a success");
        assert_eq!(answer.to_json()["status_code"], json!(404));
    });
}

#[test]
fn another_host_gets_none_of_the_secrets() {
    run_in_process(|| {
        let server = HttpTestServer::start();
        let auths = [
            json!({"type": "bearer", "token": "secret"}),
            json!({"type": "basic", "username": "u", "password": "secret"}),
            json!({"type": "api_key", "key": "secret"}),
            json!({"type": "api_key", "header": "X-Mine", "key": "secret"}),
        ];
        for auth in auths {
            let config = |url: &str| {
                json!({
                    "url": url, "auth": auth, "headers": {"Cookie": "c=secret", "Accept": "x/y"},
                })
            };
            let near = server.ask(config("/near"), &json!({})).unwrap();
            assert_eq!(near.body["headers"]["cookie"], json!("c=secret"), "the same host is told");
            let away = server.ask(config("/away"), &json!({})).unwrap();
            assert_eq!(away.body["path"], json!("/echo"), "the way leads there");
            let headers = away.body["headers"].as_object().unwrap();
            let known = ["accept", "host", "user-agent"];
            let told: Vec<_> = headers.keys().filter(|it| !known.contains(&it.as_str())).collect();
            assert!(told.is_empty(), "another host is told nothing of the caller: {headers:?}");
        }
        let error = server.ask(json!({"url": "/round"}), &json!({})).unwrap_err();
        assert!(error.to_string().contains("redirects more than 10 times"), "{error}");
    });
}

#[test]
fn a_request_is_repeated_only_where_its_config_says_so() {
    run_in_process(|| {
        let server = HttpTestServer::start();
        let once = server.ask(json!({"url": "/busy"}), &json!({})).unwrap();
        assert_eq!(once.status_code, 503, "the first answer counts");
        let retry = json!({"attempts": 2, "backoff": 0.001});
        let again = server.ask(json!({"url": "/busy", "retry": retry}), &json!({})).unwrap();
        assert_eq!((again.status_code, &again.body["calls"]["/busy"]), (200, &json!(3)));
        let closed = "http://127.0.0.1:1/";
        let error = server.ask(json!({"url": closed, "retry": retry}), &json!({})).unwrap_err();
        assert!(error.to_string().starts_with("GET 127.0.0.1 failed: "), "{error}");
    });
}

#[test]
fn a_request_has_an_end_and_an_answer_a_limit() {
    run_in_process(|| {
        let server = HttpTestServer::start();
        let error = server.ask(json!({"url": "/hang", "timeout": 0.3}), &json!({})).unwrap_err();
        assert!(matches!(error, ToolRunError::Exchange(_)), "{error}");
        assert!(error.to_string().contains("timeout"), "{error}");
        let error = server.ask(json!({"url": "/big"}), &json!({})).unwrap_err();
        assert!(
            matches!(error, ToolRunError::Exchange(_)),
            "an endless answer is not read: {error}"
        );
    });
}

#[test]
fn a_wait_for_a_server_can_be_interrupted() {
    run_in_process(|| {
        let answer = HttpTestServer::start().ask(json!({"url": "/interrupt"}), &json!({}));
        let Err(ToolRunError::Interrupted(by)) = answer else {
            panic!("a signal to end is heard while a server is waited for: {answer:?}");
        };
        assert_eq!(by.signal, nix::sys::signal::Signal::SIGHUP);
    });
}

/// Makes an authority and a server's certificate.
fn make_certificates(folder: &Path) {
    let make = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca && \
                openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=x \
                -CA ca.pem -CAkey ca.key -addext subjectAltName=IP:127.0.0.1 \
                -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth";
    let done = Command::new("sh").args(["-c", make]).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "openssl makes certificates: {done:?}");
}

#[test]
fn a_server_is_trusted_only_if_the_system_trusts_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let authority = folder.path().join("ca.pem");
    run_in_process_with(&[("SSL_CERT_FILE", &authority)], || {
        let ask = |folder: &Path| {
            let files = ["cert.pem", "key.pem"].map(|name| folder.join(name));
            let server = HttpTestServer::start_with("https", &[&files[0], &files[1]]);
            server.ask(json!({"url": "/echo"}), &json!({}))
        };
        // This process has made its own authority, beside the one that the variable names.
        let error = ask(folder.path()).unwrap_err().to_string();
        assert!(error.contains("certificate"), "a stranger is not trusted: {error}");
        let trusted = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from).unwrap();
        let answer = ask(trusted.parent().unwrap()).unwrap_or_else(|error| panic!("{error}"));
        assert!(answer.success(), "an authority of the system is trusted");
    });
}
