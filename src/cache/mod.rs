//! The shared cache, as far as it is thinking: what RFC 9111 says of requests and responses.
//!
//! Everything here is a function of heads and of the time that is passed in; nothing waits, reads
//! a clock or knows who asks. In the order of a request:
//!
//! 1. [`Presented::of`] reads the request: its [`CacheKey`], directives, conditions, whether it
//!    shows credentials. What is not for the cache is a [`Bypass`].
//! 2. The object named [`Resource::head_name`] is fetched, [`StoredResponses::decode`] reads it and
//!    [`StoredResponses::select`] finds the response for the request.
//! 3. [`plan`] says what to do: answer from the store, ask a backend whether it holds
//!    ([`Validation`]), ask as if there were no cache.
//! 4. [`conclude`] says what follows from the backend's answer, for the client and for the store.
//! 5. [`invalidated`] says what an unsafe request takes away.
//!
//! Who may read is ruled in one place, [`may_read`]. `docs/internals/rfc9111.md` has a row for each
//! requirement.

mod authorization;
mod cache_status;
mod conclude;
mod conditions;
mod control;
mod credentials;
mod fields;
mod freshness;
mod invalidate;
mod key;
mod plan;
mod presented;
mod range;
mod storable;
mod stored;
mod update;
mod validation;
mod validator;
mod vary;

pub use authorization::{Access, may_read};
pub use cache_status::{CacheStatus, Forward};
pub use conclude::{Asked, Conclusion, Keep, conclude};
pub use conditions::Conditions;
pub use control::{MOST_SECONDS, RequestControl, ResponseControl};
pub use credentials::{carries_credentials, carries_customer_key};
pub use fields::Fields;
pub use freshness::{Freshness, LONGEST_HEURISTIC};
pub use invalidate::invalidated;
pub use key::{CacheKey, Resource};
pub use plan::{Plan, plan, stale_if_error};
pub use presented::{Bypass, Presented};
pub use range::{RangeSelection, select_range};
pub use storable::{Bounds, NotStorable, check as check_storable, is_heuristically_cacheable};
pub use stored::{
    Answer, MOST_BYTES, MOST_RESPONSES, Received, Selected, StoredHead, StoredResponses,
};
pub use validation::Validation;
pub use vary::{Variant, Vary};

#[cfg(test)]
mod tests;
