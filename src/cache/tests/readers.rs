//! Readers whom the backend allows and refuses, over one store: whatever happened before, nobody
//! gets a byte that the backend would not give him.

use proptest::prelude::*;

use super::{Exchange, NOW};
use crate::cache::conclude::{Asked, Conclusion, Keep};
use crate::cache::{Bounds, Plan, Selected, StoredHead, StoredResponses, plan};

const BOUNDS: Bounds = Bounds {
    smallest_body: 0,
    unknown_length: false,
};

/// Who asks, and whether the backend lets him.
#[derive(Clone, Copy, Debug)]
enum Reader {
    Allowed,
    Refused,
    Anonymous,
}

impl Reader {
    fn fields(self) -> &'static str {
        match self {
            Self::Allowed => "Authorization: AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host\r\n",
            Self::Refused => "Authorization: AWS4-HMAC-SHA256 Credential=R, SignedHeaders=host\r\n",
            Self::Anonymous => "",
        }
    }
}

/// One object of a backend, and the store of a cache before it.
struct World {
    is_public: bool,
    directives: &'static str,
    version: u64,
    store: StoredResponses,
    now: u64,
}

impl World {
    fn allows(&self, reader: Reader) -> bool {
        match reader {
            Reader::Allowed => true,
            Reader::Refused => false,
            Reader::Anonymous => self.is_public,
        }
    }

    /// The backend's answer to a reader, who may ask about a version.
    fn answer(&self, method: &str, reader: Reader, own: &str, about: Option<&str>) -> Exchange {
        let asked = format!("{}{own}", reader.fields());
        let tag = format!(
            "ETag: \"{}\"\r\nCache-Control: {}\r\n",
            self.version, self.directives
        );
        if !self.allows(reader) {
            return Exchange::new(method, &asked, 403, "Content-Length: 9\r\n");
        }
        let current = format!("\"{}\"", self.version);
        if about.is_some_and(|tags| tags.contains(&current)) {
            return Exchange::new(method, &asked, 304, &tag);
        }
        Exchange::new(method, &asked, 200, &format!("{tag}Content-Length: 5\r\n"))
    }

    /// Lets a reader ask; the version that is served to him from the store, if one is.
    fn ask(&mut self, method: &str, reader: Reader, own: &str) -> Option<String> {
        let own_tags = own.strip_prefix("If-None-Match: ").map(str::trim_end);
        let plain = self.answer(method, reader, own, own_tags);
        let (request, bytes) = &plain.request;
        let store = self.store.clone();
        let selected = store.select(plain.presented.key(), request, bytes);
        let (asked, about) = match plan(&plain.presented, selected, self.now) {
            Plan::Hit { stored, .. } => return Some(tag(stored).to_owned()),
            Plan::Validate {
                stored,
                ref validation,
                ..
            } => {
                let about = [own_tags.unwrap_or_default(), tag(stored)].join(",");
                (Some((stored, validation.clone())), Some(about))
            }
            Plan::Miss { .. } => (None, own_tags.map(str::to_owned)),
            other => panic!("{other:?}"),
        };
        let answered = self.answer(method, reader, own, about.as_deref());
        let stored = match selected {
            Selected::Response(stored) => Some(stored),
            _ => None,
        };
        let asked = Asked {
            stored,
            validation: asked.as_ref().map(|(_, validation)| validation),
        };
        let (request, bytes) = &answered.request;
        match answered.conclude(asked, BOUNDS) {
            Conclusion::Store(mut head) => {
                head.response_time = self.now;
                self.store.insert(*head, request, bytes);
            }
            Conclusion::Evict => {
                if let Some(stored) = stored {
                    self.store.remove(stored);
                }
            }
            Conclusion::Freshen(head) => {
                self.store.insert(*head, request, bytes);
            }
            Conclusion::Serve { head, keep, .. } => {
                let version = tag(&head).to_owned();
                match (keep, stored) {
                    (Keep::Updated, _) => {
                        self.store.insert(*head, request, bytes);
                    }
                    (Keep::No, Some(stored)) => {
                        self.store.remove(stored);
                    }
                    _ => {}
                }
                assert_eq!(
                    version,
                    format!("\"{}\"", self.version),
                    "validated, and outdated"
                );
                return Some(version);
            }
            Conclusion::ServeStale(_) => panic!("nobody allowed it"),
            Conclusion::PassOn | Conclusion::AskAgain => {}
        }
        None
    }
}

fn tag(stored: &StoredHead) -> &str {
    std::str::from_utf8(stored.etag().unwrap()).unwrap()
}

fn steps() -> impl Strategy<Value = Vec<(u8, u8, u8, u64)>> {
    prop::collection::vec((0u8..3, 0u8..5, 0u8..4, 0u64..90), 1..25)
}

proptest! {
    #[test]
    fn nobody_is_served_what_the_backend_refuses_him(
        is_public in any::<bool>(),
        directives in prop::sample::select(vec!["x", "max-age=60", "no-cache", "max-age=0, proxy-revalidate"]),
        steps in steps(),
    ) {
        let mut world = World { is_public, directives, version: 1, store: StoredResponses::default(), now: NOW };
        for (who, own, change, pause) in steps {
            let reader = [Reader::Allowed, Reader::Refused, Reader::Anonymous][usize::from(who)];
            let own = match own {
                0 => format!("If-None-Match: \"{}\"\r\n", world.version),
                1 => "If-None-Match: \"0\"\r\n".to_owned(),
                _ => String::new(),
            };
            let method = if change == 3 { "HEAD" } else { "GET" };
            world.version += u64::from(change == 0);
            world.now += pause;
            if let Some(version) = world.ask(method, reader, &own) {
                prop_assert!(world.allows(reader), "{reader:?} got {version}");
            }
        }
    }
}
