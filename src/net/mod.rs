//! Bytes to and from peers: streams, listeners, dialing, names, buffers, pipes and deadlines.

mod buffer;
mod deadline;
mod dialer;
mod listener;
mod pipes;
mod resolver;
mod socket;
mod stream;
mod stream_io;
pub mod tls;

pub use buffer::{BUFFER_SIZE, Buffer, Spares, Stack};
pub use deadline::{Deadlines, Ticket};
pub use dialer::{DialError, Dialer};
pub use listener::{ListenError, bind, inherited};
pub use pipes::{LentPipe, PipeShare, Pipes};
pub use resolver::{Answer, ResolveError, Resolver, Target};
pub use stream::Stream;
pub use stream_io::{StreamIo, StreamPump};
