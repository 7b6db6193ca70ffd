//! A request as a scripted server reads it.

use std::collections::HashMap;

use tokio::io::{AsyncRead, AsyncReadExt};

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    /// By their names in lower case.
    pub(super) fields: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Asked {
    /// The next request; `bytes` holds what came behind the one before. One whose body ends early is
    /// none. Bodies are read while the server `waits` for them.
    pub(super) async fn read(
        stream: &mut (impl AsyncRead + Unpin),
        bytes: &mut Vec<u8>,
        waits: impl FnOnce() -> bool,
    ) -> Option<Self> {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(bytes).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(bytes.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let mut words = lines.next().unwrap().split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let fields: HashMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = fields
            .get("content-length")
            .map_or(0, |text| text.parse().unwrap());
        if waits() {
            while bytes.len() < length {
                if stream.read_buf(bytes).await.ok()? == 0 {
                    return None;
                }
            }
        }
        let body = bytes.drain(..length.min(bytes.len())).collect();
        Some(Self {
            method,
            path,
            fields,
            body,
        })
    }
}
