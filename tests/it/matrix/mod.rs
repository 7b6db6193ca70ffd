//! Every way in times every way out: what holds for one pair of protocols holds for all.
//!
//! A claim is written once, against [`Exchange`](crate::vocabulary::Exchange), and becomes a test for
//! each way out. Such a test starts two processes, one that listens in clear text and one by TLS,
//! and goes through the five ways in.

mod aborts;
mod answers;
mod deaths;
mod transfers;
mod ways;
