//! Elements of an XML answer, as far as one of the security token service needs to be understood:
//! flat text, without attributes and without characters that would have to be escaped.

/// What stands in the first element of that name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::element;

    #[test]
    fn the_first_element_of_a_name_is_read() {
        let text = "<a><b>1</b><bc>2</bc><b>3</b><d/></a>";
        for (name, inner) in [
            ("b", Some("1")),
            ("bc", Some("2")),
            ("a", Some("<b>1</b><bc>2</bc><b>3</b><d/>")),
            ("d", None),
            ("c", None),
        ] {
            assert_eq!(element(text, name), inner, "{name}");
        }
        assert_eq!(element("<b>1", "b"), None);
        assert_eq!(element("</b><b>", "b"), None);
    }

    proptest! {
        #[test]
        fn what_is_read_stood_between_its_tags(text in "[<>/ab]{0,40}") {
            if let Some(inner) = element(&text, "a") {
                let whole = format!("<a>{inner}</a>");
                prop_assert!(text.contains(&whole));
            }
        }
    }
}
