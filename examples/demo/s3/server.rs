//! An S3 server on a port of its own, with a thread of its own, that can be stopped and started.

use super::service::Service;
use super::sigv4::Credentials;
use super::store::Store;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, HttpResponse};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The path of the health check, answered to anybody; all else needs a signature.
pub(crate) const HEALTH_PATH: &str = "/minio/health/live";

const BACKLOG: u32 = 1024;

/// What a graceful stop grants the requests in flight.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    health_checks: AtomicU64,
}

#[derive(Clone, Copy)]
enum Order {
    Kill,
    Restart,
    StopGracefully,
}

type Orders = mpsc::UnboundedReceiver<(Order, oneshot::Sender<io::Result<()>>)>;

/// A running server. Its port is its own until it is dropped, also while it is stopped.
#[derive(Debug)]
pub(crate) struct S3Server {
    address: SocketAddr,
    counters: Arc<Counters>,
    orders: mpsc::UnboundedSender<(Order, oneshot::Sender<io::Result<()>>)>,
}

impl S3Server {
    /// Starts a server of `store` on a free port of 127.0.0.1 for those who sign with
    /// `credentials`.
    pub(crate) fn start(store: Store, credentials: &Credentials) -> io::Result<Self> {
        let auth = SimpleAuth::from_single(&*credentials.access_key, &*credentials.secret_key);
        let mut builder = S3ServiceBuilder::new(Service { store });
        builder.set_auth(auth);
        let s3 = builder.build();
        let counters = Arc::new(Counters::default());
        let counted = Arc::clone(&counters);
        let (orders, received) = mpsc::unbounded_channel();
        let (bound, address) = std::sync::mpsc::sync_channel(1);
        thread::Builder::new()
            .name("s3-server".to_owned())
            .spawn(move || {
                let started = Builder::new_current_thread()
                    .enable_all()
                    .build_local(LocalOptions::default())
                    .and_then(|runtime| {
                        let _inside = runtime.enter();
                        let door = Door::reserve((Ipv4Addr::LOCALHOST, 0).into())?.open()?;
                        Ok((door.address()?, door, runtime))
                    });
                match started {
                    Ok((address, door, runtime)) => {
                        let _ = bound.send(Ok(address));
                        runtime.block_on(run(door, s3, &counted, received));
                    }
                    Err(error) => drop(bound.send(Err(error))),
                }
            })?;
        let address = address.recv().map_err(io::Error::other)??;
        Ok(Self {
            address,
            counters,
            orders,
        })
    }

    /// Where it listens, the same through all stops and restarts.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests received since the start, health checks left out.
    pub(crate) fn requests(&self) -> u64 {
        self.counters.requests.load(Relaxed)
    }

    /// Health checks received since the start.
    pub(crate) fn health_checks(&self) -> u64 {
        self.counters.health_checks.load(Relaxed)
    }

    /// As a server that is being restarted: refuses connections and closes the idle ones at once,
    /// finishes the requests in flight, and then returns.
    pub(crate) async fn stop_gracefully(&self) -> io::Result<()> {
        self.order(Order::StopGracefully).await
    }

    /// As a server that crashes: refuses connections and drops those it has, wherever they are.
    pub(crate) async fn kill(&self) -> io::Result<()> {
        self.order(Order::Kill).await
    }

    /// Listens again on the same port.
    pub(crate) async fn restart(&self) -> io::Result<()> {
        self.order(Order::Restart).await
    }

    async fn order(&self, order: Order) -> io::Result<()> {
        let (done, outcome) = oneshot::channel();
        self.orders.send((order, done)).map_err(io::Error::other)?;
        outcome.await.map_err(io::Error::other)?
    }
}

/// The port: listening, or only held, so that connections to it are refused and nobody takes it.
enum Door {
    Open(TcpListener),
    Shut(TcpSocket),
}

impl Door {
    fn reserve(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self::Shut(socket))
    }

    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Open(listener) => listener.local_addr(),
            Self::Shut(socket) => socket.local_addr(),
        }
    }

    fn open(self) -> io::Result<Self> {
        match self {
            Self::Open(listener) => Ok(Self::Open(listener)),
            Self::Shut(socket) => socket.listen(BACKLOG).map(Self::Open),
        }
    }

    fn shut(self) -> io::Result<Self> {
        let address = self.address()?;
        drop(self);
        Self::reserve(address)
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        match self {
            Self::Open(listener) => listener.accept().await.map(|(stream, _)| stream),
            Self::Shut(_) => std::future::pending().await,
        }
    }
}

/// Serves until the [`S3Server`] is dropped, or its port is lost.
async fn run(mut door: Door, s3: S3Service, counters: &Arc<Counters>, mut orders: Orders) {
    let mut connections = JoinSet::new();
    let stopping = watch::Sender::new(());
    loop {
        tokio::select! {
            accepted = door.accept() => if let Ok(stream) = accepted {
                let served = serve(stream, s3.clone(), Arc::clone(counters), stopping.subscribe());
                connections.spawn_local(served);
            },
            Some(_) = connections.join_next() => {}
            order = orders.recv() => {
                let Some((order, done)) = order else { return };
                let turned = match order {
                    Order::Restart => door.open(),
                    Order::Kill | Order::StopGracefully => door.shut(),
                };
                match order {
                    Order::Restart => {}
                    Order::Kill => connections.shutdown().await,
                    Order::StopGracefully => {
                        stopping.send_replace(());
                        let finished = async { while connections.join_next().await.is_some() {} };
                        if timeout(GRACE, finished).await.is_err() {
                            connections.shutdown().await;
                        }
                    }
                }
                match turned {
                    Ok(turned) => {
                        door = turned;
                        let _ = done.send(Ok(()));
                    }
                    Err(error) => {
                        let _ = done.send(Err(error));
                        return;
                    }
                }
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    s3: S3Service,
    counters: Arc<Counters>,
    mut stopping: watch::Receiver<()>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, s3.clone(), Arc::clone(&counters)));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    request: hyper::Request<Incoming>,
    s3: S3Service,
    counters: Arc<Counters>,
) -> Result<HttpResponse, HttpError> {
    if request.uri().path() == HEALTH_PATH {
        counters.health_checks.fetch_add(1, Relaxed);
        return Ok(HttpResponse::new(Body::empty()));
    }
    counters.requests.fetch_add(1, Relaxed);
    hyper::service::Service::call(&s3, request).await
}
