//! One page of `ListObjectsV2`, as a function of a bucket's contents.

use super::store::{Bucket, Object};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// What a page should hold.
pub(crate) struct Query<'a> {
    pub(crate) prefix: &'a str,
    /// Keys that share what is before its first occurrence after the prefix become one entry.
    pub(crate) delimiter: Option<&'a str>,
    /// Only entries after this one; empty for the first page.
    pub(crate) after: &'a str,
    /// Keys and common prefixes a page holds at most.
    pub(crate) max_keys: usize,
}

/// One page.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) objects: Vec<(String, Arc<Object>)>,
    pub(crate) common_prefixes: Vec<String>,
    /// The `after` of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// The page of `objects` that `query` asks for.
pub(crate) fn page(objects: &Bucket, query: &Query<'_>) -> Listing {
    let mut listing = Listing::default();
    let mut prefixes = BTreeSet::new();
    let mut last = None;
    let from = query.prefix.max(query.after);
    let range = (Bound::Included(from.to_owned()), Bound::Unbounded);
    for (key, object) in objects.range(range) {
        let Some(rest) = key.strip_prefix(query.prefix) else {
            break;
        };
        let shared = common_prefix(query, rest);
        let entry = shared.as_deref().unwrap_or(key);
        if entry <= query.after || prefixes.contains(entry) {
            continue;
        }
        if listing.objects.len() + prefixes.len() == query.max_keys {
            listing.next = last;
            break;
        }
        last = Some(entry.to_owned());
        match shared {
            Some(prefix) => drop(prefixes.insert(prefix)),
            None => listing.objects.push((key.clone(), Arc::clone(object))),
        }
    }
    listing.common_prefixes = prefixes.into_iter().collect();
    listing
}

fn common_prefix(query: &Query<'_>, rest: &str) -> Option<String> {
    let delimiter = query.delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let end = rest.find(delimiter)? + delimiter.len();
    Some(format!("{}{}", query.prefix, &rest[..end]))
}

#[cfg(test)]
mod tests {
    use super::super::store::Attributes;
    use super::*;
    use bytes::Bytes;

    fn bucket(keys: &[&str]) -> Bucket {
        let object = Arc::new(Object::new(Bytes::new(), Attributes::default()));
        keys.iter()
            .map(|key| ((*key).to_owned(), Arc::clone(&object)))
            .collect()
    }

    /// All entries of all pages of `max_keys`, in order.
    fn entries(
        objects: &Bucket,
        prefix: &str,
        delimiter: Option<&str>,
        max_keys: usize,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let listing = page(
                objects,
                &Query {
                    prefix,
                    delimiter,
                    after: &after,
                    max_keys,
                },
            );
            let mut here: Vec<String> = listing.objects.into_iter().map(|(key, _)| key).collect();
            here.extend(listing.common_prefixes);
            here.sort();
            assert!(here.len() <= max_keys);
            found.extend(here);
            let Some(next) = listing.next else {
                return found;
            };
            after = next;
        }
    }

    #[test]
    fn pages_of_any_size_hold_every_entry_once() {
        let objects = bucket(&["a", "b/1", "b/2", "c/1/x", "c/2", "d"]);
        for max_keys in 1..8 {
            assert_eq!(
                entries(&objects, "", Some("/"), max_keys),
                ["a", "b/", "c/", "d"]
            );
            assert_eq!(
                entries(&objects, "c/", Some("/"), max_keys),
                ["c/1/", "c/2"]
            );
            assert_eq!(entries(&objects, "b", None, max_keys), ["b/1", "b/2"]);
            assert_eq!(entries(&objects, "", None, max_keys).len(), 6);
        }
    }

    #[test]
    fn a_prefix_beyond_all_keys_is_an_empty_page() {
        assert!(entries(&bucket(&["a"]), "z", None, 10).is_empty());
    }
}
