//! A small S3 client: signs every request, never retries, and checks what it receives.

use super::connection::{Connection, Response};
use super::sigv4::{Credentials, Signed, canonical_query, encode, hex, sha256_hex};
use bytes::Bytes;
use md5::{Digest, Md5};
use std::fmt::{self, Write};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

/// Bodies larger than this wait for `100 Continue`, as those of the usual S3 clients do.
const EXPECT_ABOVE: usize = 32 << 10;

/// What one exchange may take at most.
const DEADLINE: Duration = Duration::from_secs(30);

/// A request before it is signed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// `/bucket/key`, not encoded.
    pub(crate) path: &'a str,
    /// Names and values, not encoded.
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// Further fields, names in lower case; those that begin with `x-amz-` are signed.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    pub(crate) body: Bytes,
}

/// What a caller did not get.
#[derive(Debug)]
pub(crate) enum Error {
    /// No response, or not all of it.
    Connection(io::Error),
    /// A response with another status than the operation's.
    Status(u16, String),
    /// A response that does not hold what it should.
    Content(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "{error}"),
            Self::Status(status, body) => write!(f, "status {status}: {body}"),
            Self::Content(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

/// A client of one endpoint with one connection, which it keeps.
#[derive(Debug)]
pub(crate) struct S3Client {
    endpoint: SocketAddr,
    credentials: Credentials,
    connection: Option<Connection>,
    requests: u64,
}

impl S3Client {
    /// A client of the S3 service, or of a load balancer for one, at `endpoint`.
    pub(crate) fn new(endpoint: SocketAddr, credentials: Credentials) -> Self {
        Self {
            endpoint,
            credentials,
            connection: None,
            requests: 0,
        }
    }

    /// Requests sent so far, whatever became of them.
    pub(crate) fn requests(&self) -> u64 {
        self.requests
    }

    /// Makes a bucket.
    pub(crate) async fn create_bucket(&mut self, bucket: &str) -> Result<(), Error> {
        let path = format!("/{bucket}");
        let request = Request {
            method: "PUT",
            path: &path,
            ..Request::default()
        };
        expect(200, self.send(&request).await?).map(drop)
    }

    /// Writes an object; its entity tag must be the MD5 of `body`.
    pub(crate) async fn put(
        &mut self,
        bucket: &str,
        key: &str,
        body: Bytes,
        fields: &[(&str, &str)],
    ) -> Result<(), Error> {
        let path = format!("/{bucket}/{key}");
        let wanted = format!("\"{}\"", hex(&Md5::digest(&body)));
        let request = Request {
            method: "PUT",
            path: &path,
            fields,
            body,
            ..Request::default()
        };
        let response = expect(200, self.send(&request).await?)?;
        same("ETag", response.field("etag"), &wanted)
    }

    /// Reads an object; a tag that is an MD5 must be that of the body.
    pub(crate) async fn get(&mut self, bucket: &str, key: &str) -> Result<Response, Error> {
        let path = format!("/{bucket}/{key}");
        let request = Request {
            method: "GET",
            path: &path,
            ..Request::default()
        };
        let response = expect(200, self.send(&request).await?)?;
        if response.field("etag").is_some_and(|tag| !tag.contains('-')) {
            let wanted = format!("\"{}\"", hex(&Md5::digest(&response.body)));
            same("ETag", response.field("etag"), &wanted)?;
        }
        Ok(response)
    }

    /// Reads `length` bytes of an object of `size` bytes, from `first` on.
    pub(crate) async fn get_range(
        &mut self,
        bucket: &str,
        key: &str,
        (first, length, size): (u64, u64, u64),
    ) -> Result<Response, Error> {
        let path = format!("/{bucket}/{key}");
        let last = first + length - 1;
        let range = format!("bytes={first}-{last}");
        let fields = [("range", range.as_str())];
        let request = Request {
            method: "GET",
            path: &path,
            fields: &fields,
            ..Request::default()
        };
        let response = expect(206, self.send(&request).await?)?;
        let wanted = format!("bytes {first}-{last}/{size}");
        same("Content-Range", response.field("content-range"), &wanted)?;
        Ok(response)
    }

    /// Reads an object's head.
    pub(crate) async fn head(&mut self, bucket: &str, key: &str) -> Result<Response, Error> {
        let path = format!("/{bucket}/{key}");
        let request = Request {
            method: "HEAD",
            path: &path,
            ..Request::default()
        };
        expect(200, self.send(&request).await?)
    }

    /// All keys that begin with `prefix`, read in pages of `page` keys.
    pub(crate) async fn list(
        &mut self,
        bucket: &str,
        prefix: &str,
        page: usize,
    ) -> Result<Vec<String>, Error> {
        let path = format!("/{bucket}");
        let page = page.to_string();
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut query = vec![("list-type", "2"), ("max-keys", &page), ("prefix", prefix)];
            query.extend(token.as_deref().map(|token| ("continuation-token", token)));
            let request = Request {
                method: "GET",
                path: &path,
                query: &query,
                ..Request::default()
            };
            let response = expect(200, self.send(&request).await?)?;
            let text = String::from_utf8_lossy(&response.body);
            keys.extend(elements(&text, "Key"));
            token = elements(&text, "NextContinuationToken").pop();
            if token.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Deletes an object, or finds it gone.
    pub(crate) async fn delete(&mut self, bucket: &str, key: &str) -> Result<(), Error> {
        let path = format!("/{bucket}/{key}");
        let request = Request {
            method: "DELETE",
            path: &path,
            ..Request::default()
        };
        expect(204, self.send(&request).await?).map(drop)
    }

    /// Signs and sends `request`; the response, whatever its status.
    pub(crate) async fn send(&mut self, request: &Request<'_>) -> Result<Response, Error> {
        let (head, expects) = self.signed_head(request);
        self.exchange(&head, &request.body, expects).await
    }

    /// Sends `request` unsigned and without its body.
    pub(crate) async fn send_anonymous(
        &mut self,
        request: &Request<'_>,
    ) -> Result<Response, Error> {
        let mut head = self.request_line(request);
        write_fields(&mut head, request.fields);
        head.push_str("\r\n");
        self.exchange(&head, &[], false).await
    }

    async fn exchange(
        &mut self,
        head: &str,
        body: &[u8],
        expects: bool,
    ) -> Result<Response, Error> {
        self.requests += 1;
        let exchange = async {
            let mut connection = match self.connection.take() {
                Some(kept) => kept,
                None => Connection::open(self.endpoint).await?,
            };
            let response = connection.exchange(head, body, expects).await?;
            self.connection = Some(connection).filter(Connection::is_reusable);
            Ok(response)
        };
        match timeout(DEADLINE, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Connection(io::ErrorKind::TimedOut.into())),
        }
    }

    /// The head with its signature, and whether it asks for `100 Continue`; for those who want to
    /// send it in a way of their own.
    pub(crate) fn signed_head(&self, request: &Request<'_>) -> (String, bool) {
        let payload = sha256_hex(&request.body);
        let time = jiff::Timestamp::now()
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        let host = self.endpoint.to_string();
        let mut signed: Vec<(&str, &str)> = request
            .fields
            .iter()
            .copied()
            .filter(|(name, _)| name.starts_with("x-amz-"))
            .collect();
        signed.push(("host", &host));
        signed.push(("x-amz-content-sha256", &payload));
        signed.push(("x-amz-date", &time));
        signed.sort_unstable();
        let authorization = Signed {
            method: request.method,
            path: &encode(request.path, true),
            query: &canonical_query(request.query),
            fields: &signed,
            payload: &payload,
            time: &time,
        }
        .authorization(&self.credentials);

        let expects = request.body.len() > EXPECT_ABOVE;
        let mut head = self.request_line(request);
        write_fields(&mut head, request.fields);
        write_fields(
            &mut head,
            &[
                ("x-amz-content-sha256", &payload),
                ("x-amz-date", &time),
                ("authorization", &authorization),
            ],
        );
        if matches!(request.method, "PUT" | "POST") {
            write_fields(
                &mut head,
                &[("content-length", &request.body.len().to_string())],
            );
        }
        if expects {
            write_fields(&mut head, &[("expect", "100-continue")]);
        }
        head.push_str("\r\n");
        (head, expects)
    }

    /// The request line and the Host field.
    fn request_line(&self, request: &Request<'_>) -> String {
        let query = canonical_query(request.query);
        let mark = if query.is_empty() { "" } else { "?" };
        let path = encode(request.path, true);
        let method = request.method;
        format!(
            "{method} {path}{mark}{query} HTTP/1.1\r\nhost: {}\r\n",
            self.endpoint
        )
    }
}

fn write_fields(head: &mut String, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        let _ = write!(head, "{name}: {value}\r\n");
    }
}

fn expect(status: u16, response: Response) -> Result<Response, Error> {
    if response.status == status {
        return Ok(response);
    }
    let body = String::from_utf8_lossy(&response.body);
    Err(Error::Status(
        response.status,
        body.chars().take(300).collect(),
    ))
}

fn same(what: &str, found: Option<&str>, wanted: &str) -> Result<(), Error> {
    if found == Some(wanted) {
        return Ok(());
    }
    Err(Error::Content(format!("{what} is {found:?}, not {wanted}")))
}

/// The texts of all elements `name`, which hold no other elements.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split(&close).next())
        .map(unescape)
        .collect()
}

fn unescape(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escaped, plain)| {
        text.replace(escaped, plain)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{S3Server, Store};
    use super::*;

    #[test]
    fn elements_are_found_and_unescaped() {
        let xml = "<R><C><Key>a&amp;lt;b</Key></C><C><Key>c</Key></C></R>";
        assert_eq!(elements(xml, "Key"), ["a&lt;b", "c"]);
        assert!(elements(xml, "NextContinuationToken").is_empty());
    }

    #[test]
    fn an_upload_that_is_not_what_was_signed_is_refused() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let credentials = Credentials::new("demo", "demo-secret");
            let server = S3Server::start(Store::default(), &credentials).expect("a server");
            let mut client = S3Client::new(server.address(), credentials);
            client.create_bucket("photos").await.expect("a bucket");
            let body = Bytes::from_static(b"signed");
            let request = Request {
                method: "PUT",
                path: "/photos/k",
                body,
                ..Request::default()
            };
            let (head, _) = client.signed_head(&request);
            let response = client
                .exchange(&head, b"forged", false)
                .await
                .expect("answered");
            assert_eq!(response.status, 400);
            let missing = client
                .get("photos", "k")
                .await
                .expect_err("nothing was written");
            assert!(matches!(missing, Error::Status(404, _)), "{missing}");
        });
    }
}
