//! What follows from a backend's answer: for the client, and for the store.

use super::authorization::{Access, may_read};
use super::control::ResponseControl;
use super::freshness::Freshness;
use super::plan::{answer, stale_if_error};
use super::presented::Presented;
use super::storable::{self, Bounds, NotStorable};
use super::stored::{Answer, Received, StoredHead};
use super::validation::{NotModified, Validation};
use super::vary::Vary;
use crate::http::{BodyFraming, Method, RequestHead};

/// What was stored when the backend was asked, and how it was asked about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'s> {
    /// The response that was selected for the request.
    pub stored: Option<&'s StoredHead>,
    /// The question, if it was asked about it.
    pub validation: Option<&'s Validation>,
}

/// What to do with a backend's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The client gets it; the store stays as it is.
    PassOn,
    /// The client gets it, and so does the store: the head, once the body that it names is whole,
    /// in the place of what its request selected.
    Store(Box<StoredHead>),
    /// The client gets it; what was stored is gone or outdated, and is taken out.
    Evict,
    /// The client gets it, an answer to HEAD (§4.3.5) or the very version that is stored; that is as
    /// fresh as it.
    Freshen(Box<StoredHead>),
    /// The client gets what is stored, with this head (§4.3.3).
    Serve {
        /// The stored head, updated by the 304.
        head: Box<StoredHead>,
        /// How it answers.
        answer: Answer,
        /// What becomes of the stored one.
        keep: Keep,
    },
    /// The client gets what is stored, stale as it is, rather than a server's error.
    ServeStale(Answer),
    /// The backend is asked again, with the client's own head, and what is stored is forgotten:
    /// its 304 says nothing that can be used. The second answer is a miss's.
    AskAgain,
}

/// What becomes of a stored head that was validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It stays as it was: there is nothing new in it that another reader could use, and each
    /// write of the store costs a round trip.
    AsItWas,
    /// The updated one takes its place.
    Updated,
    /// It goes: it says now that it may not be stored.
    No,
}

/// Decides what follows from a final answer. 1xx answers are none of its business.
pub fn conclude(
    presented: &Presented,
    request: &RequestHead,
    bytes: &[u8],
    asked: Asked<'_>,
    received: &Received<'_>,
    bounds: Bounds,
) -> Conclusion {
    let answered = Answered {
        presented,
        request,
        bytes,
        received,
        head: StoredHead::of(received),
    };
    let status = received.head.status();
    match asked.stored {
        Some(stored) if status == 304 => match asked.validation {
            Some(validation) => answered.not_modified(stored, validation),
            None => Conclusion::PassOn,
        },
        Some(stored) if presented.method() == Method::Head => answered.head_of(stored),
        // A refusal is the reader's, an error the server's: neither says anything of the object.
        Some(stored) if status >= 400 && !matches!(status, 404 | 410) => {
            let is_error = matches!(status, 500 | 502 | 503 | 504);
            let stale = stale_if_error(presented, stored, received.response_time);
            stale
                .filter(|_| is_error)
                .map_or(Conclusion::PassOn, Conclusion::ServeStale)
        }
        stored => answered.changed(stored, bounds),
    }
}

struct Answered<'a> {
    presented: &'a Presented,
    request: &'a RequestHead,
    bytes: &'a [u8],
    received: &'a Received<'a>,
    head: StoredHead,
}

impl Answered<'_> {
    /// A 304.
    fn not_modified(&self, stored: &StoredHead, validation: &Validation) -> Conclusion {
        match validation.judge(stored, &self.head) {
            NotModified::Stored => {}
            NotModified::Clients => return Conclusion::Evict,
            NotModified::ClientsPerhapsStored => return Conclusion::PassOn,
            NotModified::Unclear => return Conclusion::AskAgain,
        }
        let updated = self.updated(stored);
        let is_served = may_read(self.presented.credentials(), &updated, true) == Access::Serve
            && updated.fits();
        match answer(self.presented, &updated).filter(|_| is_served) {
            Some(answer) => Conclusion::Serve {
                keep: self.keep(stored, &updated),
                head: Box::new(updated),
                answer,
            },
            None => Conclusion::AskAgain,
        }
    }

    /// Anything but 304 to a HEAD.
    fn head_of(&self, stored: &StoredHead) -> Conclusion {
        let length = self
            .received
            .head
            .field(self.received.bytes, "Content-Length");
        match self.head.status {
            200 if stored.is_freshened_by(&self.head, length) => self.freshen(stored),
            200 | 404 | 410 => Conclusion::Evict,
            _ => Conclusion::PassOn,
        }
    }

    /// Whether a whole answer to a GET is what is stored, though nobody could ask, or the backend does
    /// not say 304: storing it again would change nothing.
    fn is_the_same_as(&self, stored: &StoredHead) -> bool {
        self.presented.method() == Method::Get
            && (stored.status, self.head.status) == (200, 200)
            && stored.is_same_version(&self.head)
            && self.received.head.framing() == BodyFraming::Length(stored.body_length)
    }

    /// What is stored is as fresh as the answer.
    fn freshen(&self, stored: &StoredHead) -> Conclusion {
        let updated = self.updated(stored);
        match self.keep(stored, &updated) {
            Keep::AsItWas => Conclusion::PassOn,
            Keep::Updated => Conclusion::Freshen(Box::new(updated)),
            Keep::No => Conclusion::Evict,
        }
    }

    /// An answer that is something else than what is stored, if anything is.
    fn changed(&self, stored: Option<&StoredHead>, bounds: Bounds) -> Conclusion {
        let Received { head, .. } = self.received;
        if let Some(stored) = stored.filter(|stored| self.is_the_same_as(stored)) {
            return self.freshen(stored);
        }
        if storable::check(self.presented, self.received, &self.head, bounds).is_ok() {
            let variant = Vary::of(&self.head.fields).variant(self.request, self.bytes);
            return Conclusion::Store(Box::new(StoredHead {
                query: self.presented.key().query().into(),
                variant: variant.unwrap_or_default(),
                with_credentials: self.presented.credentials(),
                ..self.head.clone()
            }));
        }
        let is_outdated = match head.status() {
            404 | 410 => true,
            200 | 206 => stored.is_some_and(|stored| !stored.is_same_version(&self.head)),
            _ => false,
        };
        match stored {
            Some(_) if is_outdated => Conclusion::Evict,
            _ => Conclusion::PassOn,
        }
    }

    /// That somebody may have the head does not say that he may have the body.
    fn updated(&self, stored: &StoredHead) -> StoredHead {
        let mut updated = stored.updated(&self.head, self.presented, self.request, self.bytes);
        updated.with_credentials |=
            stored.with_credentials && self.presented.method() == Method::Head;
        updated
    }

    fn keep(&self, stored: &StoredHead, updated: &StoredHead) -> Keep {
        match storable::may_store(self.presented, updated) {
            // What this request forbids, or what its answer has for its client only, is no reason
            // against what others left.
            Err(NotStorable::Cookie) => Keep::AsItWas,
            Err(NotStorable::NoStore) if self.presented.control().no_store => Keep::AsItWas,
            Err(_) => Keep::No,
            Ok(()) => {
                let now = self.received.response_time;
                let is_gained =
                    is_readable_unasked(updated, now) && !is_readable_unasked(stored, now);
                if is_gained || !updated.says_the_same(stored) {
                    Keep::Updated
                } else {
                    Keep::AsItWas
                }
            }
        }
    }
}

/// Whether somebody without credentials gets it without a backend being asked.
fn is_readable_unasked(stored: &StoredHead, now: u64) -> bool {
    let control = ResponseControl::of(&stored.fields);
    may_read(false, stored, false) == Access::Serve
        && Freshness::of(stored, &control, now).is_fresh()
        && !control.no_cache
}

#[cfg(test)]
mod tests;
