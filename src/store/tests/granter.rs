//! A server that gives keys as it is told to, one request a connection.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::task::spawn_local;
use tokio_rustls::TlsAcceptor;

use super::asked::Asked;
use super::server::{SECRET, listen};

pub(super) enum Reply {
    /// A status and a body.
    Says(u16, String),
    /// These bytes and the end of the connection.
    Sends(Vec<u8>),
    /// Nothing ever.
    Hangs,
}

type Script = Box<dyn Fn(&Asked) -> Reply>;

pub(super) struct Granter {
    script: RefCell<Script>,
    pub(super) asked: RefCell<Vec<Asked>>,
    pub(super) url: String,
}

impl Granter {
    /// Serves on a port of its own; to be called inside a `LocalSet`.
    pub(super) fn start(script: impl Fn(&Asked) -> Reply + 'static) -> Rc<Self> {
        let (listener, address) = listen();
        let granter = Self::at(format!("http://{address}"), script);
        let accepting = Rc::clone(&granter);
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(Rc::clone(&accepting).serve(stream));
            }
        });
        granter
    }

    /// The same by TLS.
    pub(super) fn start_secure(
        config: Arc<ServerConfig>,
        script: impl Fn(&Asked) -> Reply + 'static,
    ) -> Rc<Self> {
        let (listener, address) = listen();
        let granter = Self::at(format!("https://{address}"), script);
        let (accepting, acceptor) = (Rc::clone(&granter), TlsAcceptor::from(config));
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    spawn_local(Rc::clone(&accepting).serve(stream));
                }
            }
        });
        granter
    }

    fn at(url: String, script: impl Fn(&Asked) -> Reply + 'static) -> Rc<Self> {
        Rc::new(Self {
            script: RefCell::new(Box::new(script)),
            asked: RefCell::default(),
            url,
        })
    }

    /// Answers by another script from now on.
    pub(super) fn turn(&self, script: impl Fn(&Asked) -> Reply + 'static) {
        *self.script.borrow_mut() = Box::new(script);
    }

    async fn serve(self: Rc<Self>, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Some(asked) = Asked::read(&mut stream, &mut Vec::new(), || true).await else {
            return;
        };
        let reply = (self.script.borrow())(&asked);
        self.asked.borrow_mut().push(asked);
        let bytes = match reply {
            Reply::Says(status, body) => {
                let length = body.len();
                format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{body}")
                    .into_bytes()
            }
            Reply::Sends(bytes) => bytes,
            Reply::Hangs => return std::future::pending().await,
        };
        // Who has heard enough may be gone.
        let _ = stream.write_all(&bytes).await;
    }
}

/// What the metadata services answer: keys that count for so long.
pub(super) fn document(access_key: &str, life: Duration) -> String {
    let until = expiration(life);
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{access_key}","SecretAccessKey":"{SECRET}",
        "Token":"session-{access_key}","Expiration":"{until}"}}"#
    )
}

/// What the security token service answers.
pub(super) fn credentials(access_key: &str, life: Duration) -> String {
    let until = expiration(life);
    format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
         <AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>session-{access_key}</SessionToken><Expiration>{until}</Expiration>\
         </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )
}

fn expiration(life: Duration) -> String {
    // The answer has no date: it is read by the same clock, in whole seconds.
    let now = jiff::Timestamp::now();
    (now + life).to_string()
}
