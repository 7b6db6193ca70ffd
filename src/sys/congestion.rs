//! Congestion control between two sockets of one machine, where there is nothing to control.
//!
//! BBR, the default of many servers, paces: a timer for every few segments, which over loopback is
//! half of what a large body costs (`docs/decisions/0006-no-pacing-over-loopback.md`). A connection
//! that was once paced stays so whatever is chosen later, so the choice is made before there is a
//! connection: on the listener, whose connections inherit it, and before connecting.

use std::net::IpAddr;
use std::os::fd::AsFd;

use socket2::SockRef;

/// Every kernel has it, lets every user choose it, and it does not pace.
const UNPACED: &[u8] = b"reno";

/// Has a socket that is not connected yet send without pacing. The connection works without, so a
/// refusal is not told.
pub fn unpace(socket: &impl AsFd) {
    let _ = SockRef::from(socket).set_tcp_congestion(UNPACED);
}

/// What the connections of one listener send by: without pacing to clients on this machine, as the
/// machine is set to those elsewhere.
#[derive(Debug)]
pub struct Congestion {
    /// The machine's choice; `None` where it could not be read, and nothing was changed.
    elsewhere: Option<Vec<u8>>,
}

impl Congestion {
    /// Has the connections that `listener` accepts from now on begin without pacing.
    pub fn of_listener(listener: &impl AsFd) -> Self {
        let elsewhere = SockRef::from(listener).tcp_congestion().ok();
        if elsewhere.is_some() {
            unpace(listener);
        }
        Self { elsewhere }
    }

    /// Gives a connection that was just accepted from `peer` what belongs there.
    pub fn settle(&self, socket: &impl AsFd, peer: IpAddr) {
        if peer.to_canonical().is_loopback() {
            return;
        }
        if let Some(choice) = &self.elsewhere {
            // It was this socket's before we changed its listener, and works either way.
            let _ = SockRef::from(socket).set_tcp_congestion(choice);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, TcpStream};
    use std::os::fd::AsFd;

    use socket2::{Domain, SockRef, Socket, Type};

    use super::{Congestion, UNPACED, unpace};
    use crate::sys;

    fn choice_of(socket: &impl AsFd) -> Vec<u8> {
        let padded = SockRef::from(socket).tcp_congestion().unwrap();
        padded.into_iter().take_while(|byte| *byte != 0).collect()
    }

    fn machines_choice() -> Vec<u8> {
        choice_of(&Socket::new(Domain::IPV4, Type::STREAM, None).unwrap())
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an address, not a name")]
    fn clients_here_are_not_paced_and_those_elsewhere_get_the_machines_choice() {
        let listener = sys::listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let congestion = Congestion::of_listener(&listener);
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = std::iter::from_fn(|| Some(listener.accept()))
            .find_map(Result::ok)
            .unwrap()
            .0;
        congestion.settle(&accepted, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(choice_of(&accepted), UNPACED);
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        congestion.settle(&accepted, mapped.into());
        assert_eq!(choice_of(&accepted), UNPACED);
        congestion.settle(&accepted, Ipv4Addr::new(192, 0, 2, 1).into());
        assert_eq!(choice_of(&accepted), machines_choice());
    }

    #[test]
    fn a_socket_can_be_unpaced_before_it_connects() {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        unpace(&socket);
        assert_eq!(choice_of(&socket), UNPACED);
    }
}
