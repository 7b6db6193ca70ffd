//! What every store does.

use super::authority::Authority;
use super::server::{SECRET, Server};
use super::{backing, bytes_of, given, keyed, open, open_trusting, run, write_all};
use crate::config::StoreConfig;
use crate::store::{AnyStore, Backing, Store, StoreError};

fn on_each(claim: impl AsyncFn(AnyStore)) {
    let memory = Backing::new(&StoreConfig::Memory { most: 64 << 20 }).unwrap();
    run(claim(open(&memory)));
    run(async {
        let (_server, address) = Server::start();
        claim(open(&backing(address, SECRET))).await;
    });
    run(async {
        let authority = Authority::new("house");
        let (_server, address) = Server::start_secure(authority.server("127.0.0.1"));
        let secure = keyed(&format!("https://{address}"), given(SECRET)).unwrap();
        claim(open_trusting(&secure, authority.trust())).await;
    });
}

/// Larger than any socket buffer, and no byte like its neighbour.
fn large() -> Vec<u8> {
    (0..9_000_001_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

#[test]
fn what_was_never_put_is_not_there() {
    on_each(async |store| {
        assert!(store.get("a/head", None).await.unwrap().is_none());
        assert!(store.get("a/head", Some((0, 1))).await.unwrap().is_none());
        assert_eq!(store.read("a/head", 10).await, Ok(None));
        assert_eq!(store.delete("a/head").await, Ok(()));
        assert_eq!(store.check().await, Ok(()));
        assert!(store.is_up());
    });
}

#[test]
fn a_small_object_is_written_read_replaced_and_deleted() {
    on_each(async |store| {
        for text in [&b"one"[..], b"another", b""] {
            store.write("a/head", text, "text/plain").await.unwrap();
            assert_eq!(store.read("a/head", 7).await, Ok(Some(text.to_vec())));
        }
        store
            .write("a/head", b"12345678", "text/plain")
            .await
            .unwrap();
        assert_eq!(store.read("a/head", 7).await, Err(StoreError::TooLarge));
        store.delete("a/head").await.unwrap();
        assert_eq!(store.read("a/head", 7).await, Ok(None));
    });
}

#[test]
fn a_large_object_comes_back_byte_for_byte() {
    on_each(async |store| {
        let body = large();
        let mut upload = store.put("a/body-1", body.len() as u64).await.unwrap();
        for piece in body.chunks(70_001) {
            write_all(&mut upload, piece).await.unwrap();
        }
        upload.finish().await.unwrap();
        let object = store.get("a/body-1", None).await.unwrap().unwrap();
        assert_eq!(object.length, body.len() as u64);
        assert!(object.etag.is_some());
        assert!(bytes_of(Some(object)).await == body);
    });
}

#[test]
fn an_empty_object_is_an_object() {
    on_each(async |store| {
        store
            .put("a/body-1", 0)
            .await
            .unwrap()
            .finish()
            .await
            .unwrap();
        assert_eq!(
            bytes_of(store.get("a/body-1", None).await.unwrap()).await,
            b""
        );
    });
}

#[test]
fn ranges_end_where_the_object_ends() {
    on_each(async |store| {
        store.write("a/b", b"0123456789", "x/y").await.unwrap();
        for (range, part) in [
            ((0, 0), &b"0"[..]),
            ((2, 4), b"234"),
            ((5, 9), b"56789"),
            ((5, 99), b"56789"),
        ] {
            assert_eq!(
                bytes_of(store.get("a/b", Some(range)).await.unwrap()).await,
                part
            );
        }
        let behind = store.get("a/b", Some((10, 11))).await;
        assert_eq!(behind.err(), Some(StoreError::BeyondEnd));
    });
}

#[test]
fn nothing_is_visible_before_an_upload_is_finished_or_after_it_is_dropped() {
    on_each(async |store| {
        store.write("a/b", b"old", "x/y").await.unwrap();
        let mut upload = store.put("a/b", 6).await.unwrap();
        write_all(&mut upload, b"new").await.unwrap();
        assert_eq!(store.read("a/b", 9).await, Ok(Some(b"old".to_vec())));
        drop(upload);
        assert_eq!(store.read("a/b", 9).await, Ok(Some(b"old".to_vec())));
    });
}

#[test]
fn an_upload_of_another_length_than_announced_is_none() {
    on_each(async |store| {
        let mut short = store.put("a/b", 6).await.unwrap();
        write_all(&mut short, b"short").await.unwrap();
        assert_eq!(short.finish().await, Err(StoreError::Incomplete));
        let mut long = store.put("a/b", 3).await.unwrap();
        assert!(write_all(&mut long, b"long").await.is_err());
        assert!(long.finish().await.is_err());
        assert_eq!(store.read("a/b", 9).await, Ok(None));
    });
}

#[test]
fn two_readers_and_a_writer_of_one_name_do_not_meet() {
    on_each(async |store| {
        store.write("a/b", b"first", "x/y").await.unwrap();
        let one = store.get("a/b", None).await.unwrap();
        let other = store.get("a/b", None).await.unwrap();
        store.write("a/b", b"second", "x/y").await.unwrap();
        assert_eq!(bytes_of(one).await, b"first");
        assert_eq!(bytes_of(other).await, b"first");
        assert_eq!(
            bytes_of(store.get("a/b", None).await.unwrap()).await,
            b"second"
        );
    });
}
