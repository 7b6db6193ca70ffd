//! A DNS server on loopback that answers from a list of records, or does not.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use sidekick::config::NameServers;

/// How it treats who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Answering,
    /// SERVFAIL.
    Failing,
    /// Never an answer.
    Silent,
}

struct State {
    mood: Mood,
    /// By absolute name; a name that is not here does not exist.
    records: BTreeMap<String, Vec<RData>>,
    ttl: u32,
    /// Names asked for, as they came.
    asked: Vec<String>,
    over: bool,
}

/// Its records live for a second, the shortest time that is honoured.
pub(crate) struct NameServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    answering: Option<JoinHandle<()>>,
    resolv_conf: PathBuf,
}

impl NameServer {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = socket.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State {
            mood: Mood::Answering,
            records: BTreeMap::new(),
            ttl: 1,
            asked: Vec::new(),
            over: false,
        }));
        let shared = Arc::clone(&state);
        let resolv_conf = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "resolv-{}-{}.conf",
            std::process::id(),
            address.port()
        ));
        let text = "nameserver 127.0.0.1\nsearch cluster.test\noptions timeout:1 attempts:1\n";
        fs::write(&resolv_conf, text).expect("a scratch file");
        Self {
            address,
            state,
            answering: Some(thread::spawn(move || serve(&socket, &shared))),
            resolv_conf,
        }
    }

    /// What makes a resolver ask this server, with `cluster.test` as its search domain.
    pub(crate) fn configuration(&self) -> NameServers {
        NameServers {
            resolv_conf: self.resolv_conf.clone(),
            port: self.address.port(),
        }
    }

    /// From now on `name` stands for these addresses, A and AAAA.
    pub(crate) fn addresses(&self, name: &str, ips: &[IpAddr]) {
        let records = ips.iter().map(|ip| match ip {
            IpAddr::V4(ip) => RData::A((*ip).into()),
            IpAddr::V6(ip) => RData::AAAA((*ip).into()),
        });
        self.put(name, records.collect());
    }

    /// From now on `name` has these SRV records: priority, target, port.
    pub(crate) fn servers(&self, name: &str, servers: &[(u16, &str, u16)]) {
        let records = servers.iter().map(|(priority, target, port)| {
            let target = Name::from_ascii(target).expect("a name");
            RData::SRV(SRV::new(*priority, 1, *port, target))
        });
        self.put(name, records.collect());
    }

    fn put(&self, name: &str, records: Vec<RData>) {
        self.state().records.insert(name.to_owned(), records);
    }

    pub(crate) fn live_for(&self, seconds: u32) {
        self.state().ttl = seconds;
    }

    pub(crate) fn behave(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// How often `name` was asked for.
    pub(crate) fn asked(&self, name: &str) -> usize {
        let state = self.state();
        state.asked.iter().filter(|asked| *asked == name).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unpoisoned")
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        if let Ok(mut state) = self.state.lock() {
            state.over = true;
        }
        // Any packet ends the wait for the next one.
        if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") {
            let _ = socket.send_to(&[], self.address);
        }
        if let Some(answering) = self.answering.take() {
            let _ = answering.join();
        }
        let _ = fs::remove_file(&self.resolv_conf);
    }
}

fn serve(socket: &UdpSocket, state: &Mutex<State>) {
    let mut packet = [0; 4096];
    loop {
        let received: io::Result<(usize, SocketAddr)> = socket.recv_from(&mut packet);
        let mut state = state.lock().expect("unpoisoned");
        if state.over {
            return;
        }
        let Ok((length, client)) = received else {
            continue;
        };
        if let Some(answer) = answer(&packet[..length], &mut state) {
            // Who has gone needs no answer.
            let _ = socket.send_to(&answer, client);
        }
    }
}

fn answer(packet: &[u8], state: &mut State) -> Option<Vec<u8>> {
    let query = Message::from_vec(packet).ok()?;
    let question = query.queries.first()?.clone();
    let name = question.name().to_ascii().to_ascii_lowercase();
    state.asked.push(name.clone());
    let mut response = Message::response(query.metadata.id, query.metadata.op_code);
    response.metadata.recursion_desired = query.metadata.recursion_desired;
    response.metadata.recursion_available = true;
    match (state.mood, state.records.get(&name)) {
        (Mood::Silent, _) => return None,
        (Mood::Failing, _) => response.metadata.response_code = ResponseCode::ServFail,
        (Mood::Answering, None) => response.metadata.response_code = ResponseCode::NXDomain,
        (Mood::Answering, Some(records)) => {
            let wanted: RecordType = question.query_type();
            let wanted = records.iter().filter(|data| data.record_type() == wanted);
            response.add_answers(
                wanted.map(|data| {
                    Record::from_rdata(question.name().clone(), state.ttl, data.clone())
                }),
            );
        }
    }
    response.add_query(question);
    response.to_vec().ok()
}
