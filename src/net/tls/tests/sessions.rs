//! TLS over real sockets: what a stream promises holds for an encrypted one too.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::{sleep, timeout};

use super::handshakes::{issued, params, roots};
use crate::config::TlsVersion;
use crate::net::socket::Socket;
use crate::net::tls::{Handshakes, Presented, TlsAcceptor, client_config};
use crate::net::{Buffer, Stream};

/// Both ends of a connection that trust each other.
struct Pair {
    client: Stream,
    server: Stream,
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .unwrap();
    runtime.block_on(async { timeout(Duration::from_secs(20), future).await.unwrap() })
}

/// A listener's address and what it takes to accept one connection from it.
async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn tcp() -> (TcpStream, TcpStream) {
    let (listener, address) = listener().await;
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

async fn pair(newest: TlsVersion) -> Pair {
    let (root, made) = issued(&params(&["m1.example"]));
    let presented = Arc::new(Presented::new(&made.identity));
    let acceptor = TlsAcceptor::new(presented, newest).unwrap();
    let config = client_config(roots(&root), None, newest).unwrap();
    let handshakes = Rc::new(Handshakes::default());
    let (near, far) = tcp().await;
    let name = ServerName::try_from("m1.example").unwrap();
    let (client, server) = tokio::join!(
        handshakes.connect(Socket::new(near), config, name),
        handshakes.accept(far, &acceptor),
    );
    Pair {
        client: client.unwrap(),
        server: server.unwrap(),
    }
}

async fn write_all(stream: &mut Stream, first: &[u8], second: &[u8]) {
    let mut sent = 0;
    while sent < first.len() + second.len() {
        let head = first.get(sent..).unwrap_or_default();
        let body = &second[sent.saturating_sub(first.len())..];
        sent += poll_fn(|context| stream.poll_write(context, head, body))
            .await
            .unwrap();
    }
}

async fn read(stream: &mut Stream, buffer: &mut Buffer, most: usize) -> io::Result<usize> {
    poll_fn(|context| stream.poll_read_some(context, buffer, most)).await
}

async fn read_exactly(stream: &mut Stream, len: usize, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = Buffer::default();
    while bytes.len() < len {
        assert!(read(stream, &mut buffer, most).await.unwrap() > 0);
        bytes.extend_from_slice(buffer.filled());
        buffer.clear();
    }
    bytes
}

fn noise(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(len as u64);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

const VERSIONS: [TlsVersion; 2] = [TlsVersion::V12, TlsVersion::V13];

#[test]
fn bytes_arrive_as_they_were_sent_both_ways_at_once() {
    for newest in VERSIONS {
        run(async {
            let Pair {
                mut client,
                mut server,
            } = pair(newest).await;
            let (up, down) = (noise(3_000_001), noise(2_000_003));
            let (head, body) = down.split_at(300);
            write_all(&mut client, &up[..10], &up[10..40]).await;
            assert_eq!(read_exactly(&mut server, 40, usize::MAX).await, up[..40]);
            let client = async {
                let mut sent = 40;
                let mut got = Vec::new();
                let mut buffer = Buffer::default();
                // Both directions in one task, as the relay does it.
                poll_fn(|context| {
                    loop {
                        let mut moved = false;
                        if sent < up.len()
                            && let Poll::Ready(count) = client.poll_write(context, &up[sent..], &[])
                        {
                            sent += count.unwrap();
                            moved = true;
                        }
                        if got.len() < down.len()
                            && let Poll::Ready(count) = client.poll_read(context, &mut buffer)
                        {
                            assert!(count.unwrap() > 0);
                            got.extend_from_slice(buffer.filled());
                            buffer.clear();
                            moved = true;
                        }
                        if sent == up.len() && got.len() == down.len() {
                            return Poll::Ready(());
                        }
                        if !moved {
                            return Poll::Pending;
                        }
                    }
                })
                .await;
                got
            };
            let server = async {
                write_all(&mut server, head, body).await;
                read_exactly(&mut server, up.len() - 40, usize::MAX).await
            };
            let (got_down, got_up) = tokio::join!(client, server);
            assert!(got_down == down && got_up == up[40..], "{newest:?}");
        });
    }
}

#[test]
fn a_reader_with_little_room_gets_a_record_piece_by_piece() {
    run(async {
        let Pair {
            mut client,
            mut server,
        } = pair(TlsVersion::V13).await;
        let sent = noise(50_000);
        let (got, ()) = tokio::join!(
            read_exactly(&mut server, sent.len(), 777),
            write_all(&mut client, &sent, &[])
        );
        assert!(got == sent);
    });
}

#[test]
fn only_a_goodbye_is_a_clean_end() {
    for newest in VERSIONS {
        run(async {
            let mut ends = pair(newest).await;
            write_all(&mut ends.client, b"last", &[]).await;
            ends.client.say_goodbye();
            drop(ends.client);
            let mut buffer = Buffer::default();
            assert_eq!(read(&mut ends.server, &mut buffer, 99).await.unwrap(), 4);
            assert_eq!(read(&mut ends.server, &mut buffer, 99).await.unwrap(), 0);

            let mut ends = pair(newest).await;
            // With its tickets unread the close would be a reset.
            sleep(Duration::from_millis(20)).await;
            assert!(ends.client.is_idle());
            drop(ends.client);
            let error = read(&mut ends.server, &mut buffer, 99).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        });
    }
}

#[test]
fn one_side_may_end_and_still_be_answered() {
    run(async {
        let Pair {
            mut client,
            mut server,
        } = pair(TlsVersion::V13).await;
        poll_fn(|context| client.poll_shutdown(context))
            .await
            .unwrap();
        let mut buffer = Buffer::default();
        assert_eq!(read(&mut server, &mut buffer, 99).await.unwrap(), 0);
        write_all(&mut server, b"answer", &[]).await;
        assert_eq!(read_exactly(&mut client, 6, 99).await, b"answer");
    });
}

#[test]
fn tickets_do_not_end_an_idle_connection_and_words_do() {
    run(async {
        let Pair {
            mut client,
            mut server,
        } = pair(TlsVersion::V13).await;
        // The server's tickets are on their way, or here.
        sleep(Duration::from_millis(20)).await;
        assert!(client.is_idle() && client.is_idle_now() && client.is_idle());
        write_all(&mut server, b"unasked for", &[]).await;
        sleep(Duration::from_millis(20)).await;
        assert!(!client.is_idle_now());
        assert!(!client.is_idle());

        let mut ends = pair(TlsVersion::V13).await;
        ends.server.say_goodbye();
        sleep(Duration::from_millis(20)).await;
        assert!(!ends.client.is_idle());
    });
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    run(async {
        let Pair {
            mut client,
            mut server,
        } = pair(TlsVersion::V13).await;
        write_all(&mut client, b"question", &[]).await;
        assert_eq!(read_exactly(&mut server, 8, 99).await, b"question");
        write_all(&mut server, b"answer", &[]).await;
        assert_eq!(read_exactly(&mut client, 6, 99).await, b"answer");
        for stream in [&mut client, &mut server] {
            assert!(stream.is_idle());
            assert!(!stream.holds_buffers());
        }
    });
}

/// A writer that gave up on what it was sending, with no room left on the way, says something else:
/// what was encrypted before still comes first, whole.
#[test]
fn what_was_encrypted_leaves_before_what_is_written_instead() {
    run(async {
        let Pair {
            mut client,
            mut server,
        } = pair(TlsVersion::V13).await;
        let old = noise(64 << 10);
        let mut filled = 0;
        while let Poll::Ready(count) =
            poll_fn(|context| Poll::Ready(client.poll_write(context, &old, &[]))).await
        {
            filled += count.unwrap();
        }
        client.forget_pending_write();
        let (got, ()) = tokio::join!(
            read_exactly(&mut server, filled + old.len() + 3, usize::MAX),
            write_all(&mut client, b"new", &[])
        );
        let (before, new) = got.split_at(filled + old.len());
        assert!(before.chunks(old.len()).all(|chunk| chunk == old));
        assert_eq!(new, b"new");
    });
}

#[test]
fn a_peer_that_speaks_no_tls_is_refused_in_words() {
    run(async {
        let (_, made) = issued(&params(&["m1.example"]));
        let presented = Arc::new(Presented::new(&made.identity));
        let acceptor = TlsAcceptor::new(presented, TlsVersion::V13).unwrap();
        for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x00\x05hello"] {
            let (near, far) = tcp().await;
            near.try_write(said).unwrap();
            let error = Handshakes::default().accept(far, &acceptor).await;
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert!(!error.to_string().is_empty());
        }
        let (near, far) = tcp().await;
        near.try_write(b"\x16\x03").unwrap();
        drop(near);
        let error = Handshakes::default().accept(far, &acceptor).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    });
}

/// A record that holds a piece of a message is complete as a record and still nothing to read:
/// whoever waits for something must not be told so again and again.
#[test]
fn a_piece_of_a_message_of_tls_is_nothing_to_read() {
    run(async {
        let (near, far) = tcp().await;
        let (_, made) = issued(&params(&["m1.example"]));
        let presented = Arc::new(Presented::new(&made.identity));
        let acceptor = TlsAcceptor::new(presented, TlsVersion::V13).unwrap();
        // A hello of which the record holds only the beginning.
        near.try_write(b"\x16\x03\x01\x00\x05\x01\x00\x01\x00\x03")
            .unwrap();
        let handshakes = Handshakes::default();
        let waiting = timeout(Duration::from_millis(50), handshakes.accept(far, &acceptor));
        assert!(waiting.await.is_err(), "it waits for the rest");
    });
}

#[test]
fn many_handshakes_at_once_leave_turns_to_others() {
    run(async {
        const CLIENTS: usize = 64;
        let (root, made) = issued(&params(&["m1.example"]));
        let presented = Arc::new(Presented::new(&made.identity));
        let acceptor = Rc::new(TlsAcceptor::new(presented, TlsVersion::V13).unwrap());
        let config = client_config(roots(&root), None, TlsVersion::V13).unwrap();
        let (ours, theirs) = (
            Rc::new(Handshakes::default()),
            Rc::new(Handshakes::default()),
        );
        let done = Rc::new(std::cell::Cell::new(0));
        for _ in 0..CLIENTS {
            let (near, far) = tcp().await;
            let name = ServerName::try_from("m1.example").unwrap();
            let (config, acceptor) = (Arc::clone(&config), Rc::clone(&acceptor));
            let (ours, theirs) = (Rc::clone(&ours), Rc::clone(&theirs));
            let done = Rc::clone(&done);
            tokio::task::spawn_local(async move {
                let (client, server) = tokio::join!(
                    ours.connect(Socket::new(near), config, name),
                    theirs.accept(far, &acceptor)
                );
                assert!(client.is_ok() && server.is_ok());
                done.set(done.get() + 1);
            });
        }
        let mut turns = 0;
        while done.get() < CLIENTS {
            tokio::task::yield_now().await;
            turns += 1;
        }
        assert!(turns >= CLIENTS, "{turns} turns for {CLIENTS} handshakes");
    });
}

#[test]
fn what_the_peer_said_before_it_closed_is_read_when_nothing_can_be_written() {
    for newest in VERSIONS {
        run(async {
            let Pair {
                mut client,
                mut server,
            } = pair(newest).await;
            // More than the kernel holds, so that some of it is encrypted and stays here.
            let body = noise(16 << 20);
            let mut sent = 0;
            let write = async |client: &mut Stream, sent: &mut usize| {
                poll_fn(
                    |context| match client.poll_write(context, &body[*sent..], &[]) {
                        Poll::Ready(Ok(count)) => {
                            *sent += count;
                            context.waker().wake_by_ref();
                            Poll::Ready(Some(Ok(())))
                        }
                        Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
                        Poll::Pending => Poll::Ready(None),
                    },
                )
                .await
            };
            while write(&mut client, &mut sent).await.is_some() {}
            // It closes with bytes unread, which is a reset.
            write_all(&mut server, b"no more", b"").await;
            drop(server);
            while !matches!(write(&mut client, &mut sent).await, Some(Err(_))) {
                tokio::task::yield_now().await;
            }
            assert_eq!(read_exactly(&mut client, 7, usize::MAX).await, b"no more");
        });
    }
}
