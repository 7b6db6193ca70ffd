use super::super::{Reply, Version};

fn written(reply: &Reply, head: bool, keep_alive: bool, version: Version) -> String {
    let mut out = Vec::new();
    reply.write(head, keep_alive, version, 784_111_777, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_reply_is_a_whole_answer() {
    let reply = Reply::new(200)
        .content_type("text/plain")
        .field("X-A", "b")
        .body(&b"hi"[..]);
    assert_eq!(
        written(&reply, false, true, Version::Http11),
        "HTTP/1.1 200 OK\r\nServer: sidekick\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
         Content-Type: text/plain\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi"
    );
}

#[test]
fn the_answer_to_head_has_the_length_and_no_body() {
    let reply = Reply::new(502).body(b"gone".to_vec());
    let text = written(&reply, true, false, Version::Http11);
    assert!(
        text.ends_with("Content-Length: 4\r\nConnection: close\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn a_reply_without_body_has_no_length_where_there_must_be_none() {
    assert!(!written(&Reply::new(204), false, true, Version::Http11).contains("Content-Length"));
    assert!(
        written(&Reply::new(404), false, true, Version::Http10)
            .ends_with("Content-Length: 0\r\nConnection: keep-alive\r\n\r\n")
    );
}

#[test]
fn a_value_cannot_end_its_line() {
    let text = written(
        &Reply::new(200).field("X", "a\r\nSet-Cookie: b"),
        false,
        true,
        Version::Http11,
    );
    assert!(text.contains("\r\nX: a  Set-Cookie: b\r\n"), "{text}");
}
