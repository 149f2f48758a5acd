use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tonic::codegen::tokio_stream::Stream;

/// The messages of a stream that are still to be sent.
pub(crate) struct Outgoing<T>(Receiver<T>);

/// Makes the two ends of a stream of messages. The stream ends when the sender is dropped.
pub(crate) fn outgoing<T>(capacity: usize) -> (Sender<T>, Outgoing<T>) {
    let (sender, receiver) = channel(capacity);
    (sender, Outgoing(receiver))
}

impl<T> Stream for Outgoing<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(context)
    }
}
