use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// A proxy in front of one server, which can withhold the server's answers.
///
/// Requests always reach the server. Its threads end with the connections, and its listener with the process.
#[derive(Debug)]
pub struct LossyProxy {
    endpoint: String,
    shared: Arc<ProxyState>,
    /// Tells of each answer that was withheld.
    withheld: Mutex<Receiver<()>>,
}

#[derive(Debug)]
struct ProxyState {
    withholds: AtomicBool,
    accepted: AtomicUsize,
    told: Sender<()>,
    connections: Mutex<Vec<TcpStream>>,
}

impl LossyProxy {
    /// Starts a proxy at a free port of an IP address, in front of `host:port`.
    pub fn start(ip: &str, server: &str) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("a free port");
        let endpoint = listener.local_addr().expect("an address").to_string();
        let (told, withheld) = channel();
        let shared = Arc::new(ProxyState {
            withholds: AtomicBool::new(false),
            accepted: AtomicUsize::new(0),
            told,
            connections: Mutex::default(),
        });
        let (state, server) = (Arc::clone(&shared), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                state.pass(&client.expect("a connection"), &server);
            }
        });
        Self { endpoint, shared, withheld: Mutex::new(withheld) }
    }

    /// Where it listens: `host:port`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Withholds all answers from now on.
    pub fn withhold_answers(&self) {
        self.shared.withholds.store(true, Ordering::SeqCst);
    }

    /// Passes answers on again. Those that were withheld are lost, so connections that missed some are useless.
    pub fn pass_answers(&self) {
        self.shared.withholds.store(false, Ordering::SeqCst);
    }

    /// Waits until an answer was withheld: the server has done what it was asked then.
    #[track_caller]
    pub fn await_withheld_answer(&self) {
        let withheld = self.withheld.lock().expect("no test has failed");
        withheld.recv_timeout(crate::PATIENCE).expect("the server answers in time");
    }

    /// How many connections it has accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Breaks all connections. New ones are accepted.
    pub fn cut(&self) {
        for connection in self.shared.connections.lock().expect("no test has failed").drain(..) {
            // It may be broken already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl ProxyState {
    fn pass(self: &Arc<Self>, client: &TcpStream, server: &str) {
        self.accepted.fetch_add(1, Ordering::SeqCst);
        // A server that refuses looks like one that breaks the connection.
        let Ok(server) = TcpStream::connect(server) else { return };
        let copy = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
        let copies = [copy(client), copy(&server)];
        self.connections.lock().expect("no test has failed").extend(copies);
        let (from_client, mut to_server) = (copy(client), copy(&server));
        thread::spawn(move || {
            pass_bytes(from_client, |bytes| to_server.write_all(bytes).is_ok());
            let _ = to_server.shutdown(Shutdown::Write);
        });
        let (from_server, mut to_client) = (server, copy(client));
        let state = Arc::clone(self);
        thread::spawn(move || {
            pass_bytes(from_server, |bytes| state.answer(bytes, &mut to_client));
            let _ = to_client.shutdown(Shutdown::Both);
        });
    }

    /// Passes an answer on, or withholds it and tells so.
    fn answer(&self, bytes: &[u8], client: &mut TcpStream) -> bool {
        if self.withholds.load(Ordering::SeqCst) {
            return self.told.send(()).is_ok();
        }
        client.write_all(bytes).is_ok()
    }
}

/// Passes bytes on until either side ends.
fn pass_bytes(mut from: TcpStream, mut pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !pass(&buffer[..length]) {
            return;
        }
    }
}
