//! Reading fields of a head by name.

use super::field::Field;

pub(super) fn all<'b>(
    fields: &[Field],
    bytes: &'b [u8],
) -> impl Iterator<Item = (&'b [u8], &'b [u8])> {
    fields
        .iter()
        .map(|field| (field.name.of(bytes), field.value.of(bytes)))
}

pub(super) fn every<'b>(
    fields: &[Field],
    bytes: &'b [u8],
    name: &str,
) -> impl Iterator<Item = &'b [u8]> {
    fields
        .iter()
        .filter(move |field| {
            field.name.len() == name.len()
                && field.name.of(bytes).eq_ignore_ascii_case(name.as_bytes())
        })
        .map(|field| field.value.of(bytes))
}

pub(super) fn first<'b>(fields: &[Field], bytes: &'b [u8], name: &str) -> Option<&'b [u8]> {
    every(fields, bytes, name).next()
}
