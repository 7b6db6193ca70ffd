//! The range that a store answers with.

use proptest::prelude::*;

use super::check_range;

proptest! {
    #[test]
    fn only_the_range_asked_for_is_taken(
        asked in (0..40_u64, 0..40_u64), came in (0..40_u64, 0..40_u64), complete in 1..40_u64,
    ) {
        let asked = (asked.0.min(asked.1), asked.0.max(asked.1));
        let value = format!("bytes {}-{}/{complete}", came.0, came.1);
        let length = (came.1 + 1).saturating_sub(came.0);
        let right = asked.0 < complete && came == (asked.0, asked.1.min(complete - 1));
        prop_assert_eq!(check_range(asked, Some(value.as_bytes()), length).is_ok(), right);
        prop_assert!(check_range(asked, Some(value.as_bytes()), length + 1).is_err());
    }
}

#[test]
fn a_range_that_is_not_told_is_not_believed() {
    assert!(check_range((0, 4), None, 5).is_err());
    assert!(check_range((0, 4), Some(b"bytes 0-3/*"), 4).is_err());
    assert!(check_range((0, 4), Some(b"bytes 0-4/*"), 5).is_ok());
}
