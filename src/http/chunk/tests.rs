use super::*;

fn scanned(body: &[u8]) -> Result<Scan, Rejection> {
    ChunkScanner::default().scan(body)
}

fn refused(rule: Rejection, bodies: &[&[u8]]) {
    for body in bodies {
        assert_eq!(scanned(body), Err(rule), "{}", body.escape_ascii());
        let mut scanner = ChunkScanner::default();
        let outcome = body
            .iter()
            .try_for_each(|byte| scanner.scan(&[*byte]).map(|_| ()));
        assert_eq!(outcome, Err(rule), "in drips: {}", body.escape_ascii());
    }
}

#[test]
fn steps_tell_framing_from_data_and_the_end() {
    let body = b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\nnext";
    let mut scanner = ChunkScanner::default();
    assert_eq!(scanner.step(body), Ok(ChunkStep::Framing(7)));
    assert_eq!(scanner.data_remaining(), 5);
    assert_eq!(scanner.step(&body[7..10]), Ok(ChunkStep::Data(3)));
    assert_eq!(scanner.step(&body[10..]), Ok(ChunkStep::Data(2)));
    assert_eq!(scanner.step(&body[12..]), Ok(ChunkStep::End(13)));
    assert!(scanner.is_done());
    assert_eq!(scanner.step(b"next"), Ok(ChunkStep::NeedMore));
}

#[test]
fn the_end_may_come_in_pieces() {
    let mut scanner = ChunkScanner::default();
    assert_eq!(scanner.step(b"0\r\n\r"), Ok(ChunkStep::Framing(4)));
    assert!(!scanner.is_done());
    assert_eq!(scanner.step(b"\nGET"), Ok(ChunkStep::End(1)));
}

#[test]
fn a_scan_stops_behind_the_body() {
    let scan = scanned(b"3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1").unwrap();
    assert_eq!(
        scan,
        Scan {
            consumed: 13,
            data: 3,
            done: true
        }
    );
}

#[test]
fn spliced_data_is_accounted_for() {
    let mut scanner = ChunkScanner::default();
    assert_eq!(scanner.step(b"400\r\n"), Ok(ChunkStep::Framing(5)));
    assert_eq!(scanner.data_remaining(), 1024);
    scanner.data_passed(1000);
    assert_eq!(scanner.data_remaining(), 24);
    scanner.data_passed(24);
    assert_eq!(scanner.data_remaining(), 0);
    assert_eq!(scanner.step(b"\r\n0\r\n\r\n"), Ok(ChunkStep::End(7)));
}

#[test]
fn sizes_are_read_in_any_case_and_with_leading_zeros() {
    for size in [&b"a"[..], b"A", b"0a", b"000000000000000a"] {
        let mut body = size.to_vec();
        body.extend_from_slice(b"\r\n0123456789\r\n00\r\n\r\n");
        assert_eq!(scanned(&body).map(|scan| scan.done), Ok(true));
    }
}

#[test]
fn chunk_sizes_that_are_none_are_refused() {
    refused(
        Rejection::BadChunkSize,
        &[
            b"\r\n",
            b"\n",
            b";a\r\n",
            b" 5\r\n",
            b"5 \r\n",
            b"5\t;a\r\n",
            b"+5\r\n",
            b"-1\r\n",
            b"0x5\r\n",
            b"5g\r\n",
            b"5,\r\n",
            b"\xef\xbc\x95\r\n",
            b"00000000000000005\r\n",
            b"8000000000000000\r\n",
            b"ffffffffffffffff\r\n",
            b"3\r\nabc\r\n\r\n",
        ],
    );
}

#[test]
fn line_ends_in_the_framing_are_strict() {
    refused(
        Rejection::BareLf,
        &[b"5\nhello", b"5;a\nhello", b"0\r\nX: y\n\r\n", b"0\r\nX\n"],
    );
    refused(
        Rejection::BareCr,
        &[b"5\rhello", b"5;a\rb\r\n", b"0\r\nX: y\rz", b"0\r\n\rX"],
    );
    refused(Rejection::BadFieldName, &[b"0\r\n:\r\n"]);
}

#[test]
fn data_must_end_where_its_size_says() {
    refused(
        Rejection::BadChunkEnd,
        &[
            b"3\r\nabcd\r\n",
            b"3\r\nabc\n",
            b"3\r\nabc\rx",
            b"3\r\nabc0\r\n\r\n",
        ],
    );
}

#[test]
fn extensions_are_bounded_and_without_controls() {
    refused(
        Rejection::BadChunkExtension,
        &[b"5;a\0\r\n", b"5;a\x7f\r\n"],
    );
    let longest = [b"5;", &vec![b'a'; 4096][..], b"\r\n"].concat();
    assert!(scanned(&longest).is_ok());
    let longer = [b"5;", &vec![b'a'; 4097][..], b"\r\n"].concat();
    refused(Rejection::ChunkExtensionTooLong, &[&longer]);
}

#[test]
fn trailers_are_as_strict_as_fields() {
    refused(
        Rejection::FoldedLine,
        &[b"0\r\n X: y\r\n", b"0\r\nX: y\r\n z\r\n"],
    );
    refused(Rejection::SpaceBeforeColon, &[b"0\r\nX : y\r\n"]);
    refused(
        Rejection::BadFieldName,
        &[b"0\r\nX(: y\r\n", b"0\r\nX\r\n", b"0\r\n\0"],
    );
    refused(
        Rejection::ControlInValue,
        &[b"0\r\nX: \0\r\n", b"0\r\nX: \x7f\r\n"],
    );
    assert_eq!(
        scanned(b"0\r\nX:\t\xff \r\n\r\n").map(|scan| scan.done),
        Ok(true)
    );
}

#[test]
fn trailers_that_frame_or_route_are_refused() {
    for name in [
        "Content-Length",
        "TRANSFER-ENCODING",
        "Host",
        "te",
        "Proxy-Authorization",
    ] {
        refused(
            Rejection::ForbiddenTrailer,
            &[format!("0\r\n{name}: 1\r\n\r\n").as_bytes()],
        );
    }
    for name in [
        "x-amz-checksum-crc32c",
        "Content-MD5",
        "Hostess",
        "transfer-encodings",
    ] {
        let body = format!("0\r\n{name}: 1\r\n\r\n");
        assert_eq!(
            scanned(body.as_bytes()).map(|scan| scan.done),
            Ok(true),
            "{name}"
        );
    }
}

#[test]
fn trailers_are_bounded() {
    let fields = |count: usize| format!("0\r\n{}\r\n", "X: y\r\n".repeat(count));
    assert!(scanned(fields(256).as_bytes()).is_ok());
    refused(Rejection::TrailersTooLarge, &[fields(257).as_bytes()]);
    refused(
        Rejection::TrailersTooLarge,
        &[format!("0\r\nX: {}", "y".repeat(65_536)).as_bytes()],
    );
}
