//! Answers that come before the request is over.

use super::ways::{every_way_in, every_way_out};
use crate::vocabulary::{Ask, Digest, Ending, Origin, Security, Upload, blocks};

every_way_out! {
    continue_comes_from_the_backend
    refusal_comes_instead_of_a_continue
    early_refusal_reaches_a_client_that_goes_on_sending
}

const SIZE: usize = 8 << 20;

fn continue_comes_from_the_backend(security: Security) {
    let origin = Origin::secured(security, |connection| {
        if connection.request.field("Expect").is_some() {
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let taken = Digest::of(&connection.body()?);
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nTaken: {taken}\r\nContent-Length: 0\r\n\r\n"
        ))
    });
    every_way_in(security, &[origin], |way| {
        let mut caller = way.caller();
        for _ in 0..2 {
            let ask = Ask::new("PUT", "/key").field("expect", "100-continue");
            let mut exchange = caller.begin(ask.upload(Upload::Length(SIZE)));
            assert_eq!(exchange.interim(), Some(100));
            assert!(exchange.upload(blocks(SIZE)), "the body is taken");
            let answer = exchange.answer();
            assert_eq!((answer.status, &answer.end), (200, &Ending::Whole));
            let taken = Digest::of_blocks(SIZE).to_string();
            assert_eq!(answer.fields.value("taken"), Some(&*taken));
        }
    });
}

fn refusal_comes_instead_of_a_continue(security: Security) {
    let origin = Origin::secured(security, |connection| {
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\n<Error/>")?;
        connection.close();
        Ok(())
    });
    every_way_in(security, &[origin], |way| {
        let mut caller = way.caller();
        let ask = Ask::new("PUT", "/key").field("expect", "100-continue");
        let mut exchange = caller.begin(ask.upload(Upload::Length(SIZE)));
        assert_eq!(exchange.interim(), None);
        let answer = exchange.answer();
        assert_eq!((answer.status, &answer.end), (403, &Ending::Whole));
        assert_eq!(answer.body, Digest::of(b"<Error/>"));
    });
}

fn early_refusal_reaches_a_client_that_goes_on_sending(security: Security) {
    let origin = Origin::secured(security, |connection| {
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\n<Error/>")?;
        if connection.request.target() == "/reads-on" {
            connection.body()?;
        } else {
            connection.close();
        }
        Ok(())
    });
    every_way_in(security, &[origin], |way| {
        for path in ["/closes", "/reads-on"] {
            let mut caller = way.caller();
            let ask = Ask::new("PUT", path).upload(Upload::Length(SIZE));
            let mut exchange = caller.begin(ask);
            // Whether all of it is taken is the server's affair.
            exchange.upload(blocks(SIZE));
            let answer = exchange.answer();
            assert_eq!((answer.status, &answer.end), (403, &Ending::Whole));
            assert_eq!(answer.body, Digest::of(b"<Error/>"));
            let [origin] = way.origins else { continue };
            let up = way.sidekick.metric_of("sidekick_backend_up", origin);
            assert!(up > 0.0, "the backend has done nothing wrong");
        }
    });
}
