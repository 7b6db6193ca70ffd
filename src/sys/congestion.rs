//! Congestion control between two sockets of one machine, where there is nothing to control.
//!
//! BBR, the default of many servers, paces: a timer for every few segments, which over loopback is
//! half of what a large body costs (`docs/decisions/0006-no-pacing-over-loopback.md`). A connection
//! that was once paced stays so whatever is chosen later, so the choice is made before there is a
//! connection: on the listener, whose connections inherit it, and before connecting.

use std::net::IpAddr;
use std::os::fd::AsFd;

use socket2::{Domain, SockRef, Socket, Type};

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
        let mut elsewhere = SockRef::from(listener).tcp_congestion().ok();
        // A socket of the service manager's outlives us: this may be what we left behind.
        if elsewhere
            .as_ref()
            .is_some_and(|choice| choice.starts_with(UNPACED))
        {
            elsewhere = machines_choice();
        }
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

/// What a socket that nobody has touched sends by.
fn machines_choice() -> Option<Vec<u8>> {
    let fresh = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    fresh.tcp_congestion().ok()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, TcpStream};
    use std::os::fd::AsFd;

    use socket2::{Domain, SockRef, Socket, Type};

    use super::{Congestion, UNPACED, machines_choice, unpace};
    use crate::sys;

    fn choice_of(socket: &impl AsFd) -> Vec<u8> {
        name(SockRef::from(socket).tcp_congestion().unwrap())
    }

    /// Without its padding.
    fn name(choice: Vec<u8>) -> Vec<u8> {
        choice.into_iter().take_while(|byte| *byte != 0).collect()
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
        assert_eq!(choice_of(&accepted), name(machines_choice().unwrap()));
    }

    #[test]
    fn what_a_process_before_us_left_on_a_listener_is_not_the_machines_choice() {
        let listener = sys::listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let before = Congestion::of_listener(&listener);
        let after = Congestion::of_listener(&listener);
        assert_eq!(choice_of(&listener), UNPACED);
        let kept = [before, after].map(|one| name(one.elsewhere.unwrap()));
        assert_eq!(kept[0], kept[1]);
        assert_eq!(kept[1], name(machines_choice().unwrap()));
    }

    #[test]
    fn a_socket_can_be_unpaced_before_it_connects() {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        unpace(&socket);
        assert_eq!(choice_of(&socket), UNPACED);
    }
}
