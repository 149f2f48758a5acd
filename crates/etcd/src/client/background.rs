use nix::sys::signal::{SigSet, SigmaskHow};
use std::{
    io,
    sync::mpsc,
    thread::{self, JoinHandle},
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
    task::AbortHandle,
};

/// The background thread, with the runtime that it runs. Dropping it ends both, and whatever runs there.
#[derive(Debug)]
pub(super) struct BackgroundThread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BackgroundThread {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = without_signals(|| {
            thread::Builder::new().name("lokt-etcd".into()).spawn(move || run(runtime, stopped))
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Runs a task in the background, until it ends or the handle is dropped.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> BackgroundTask {
        BackgroundTask(self.handle.spawn(task).abort_handle())
    }

    /// Runs a task in the background and waits for its result; `None` if the thread has ended.
    pub(super) fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            let _ = sender.send(task.await);
        });
        receiver.recv().ok()
    }
}

/// A task of the background thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct BackgroundTask(AbortHandle);

impl Drop for BackgroundTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn run(runtime: Runtime, stopped: oneshot::Receiver<()>) {
    let _ = runtime.block_on(stopped);
    // The resolver of names may be waiting for a server; nothing depends on its answer any more.
    runtime.shutdown_background();
}

/// Starts something whose threads have all signals blocked: a thread begins with the mask of the one that starts it.
fn without_signals<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let started = start();
    before.thread_set_mask()?;
    started
}

impl Drop for BackgroundThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
