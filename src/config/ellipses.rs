//! `{a...b}` in an endpoint: a range that stands for one endpoint each.
//!
//! Decimal (`{1...16}`), zero padded (`{01...16}`), single letters (`{a...d}`) and hexadecimal
//! (`{8...1f}`). Several ranges make their product, the rightmost counting fastest.

use std::fmt::Write;

use super::error::Problem;

/// Text with ranges in it, not expanded yet: counting first keeps a slip such as `{1...99999999}`
/// from costing memory.
#[derive(Debug)]
pub(crate) struct Pattern<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug)]
enum Part<'a> {
    Literal(&'a str),
    Range(Range),
}

#[derive(Debug)]
struct Range {
    first: u64,
    last: u64,
    /// Digits to pad to with zeros; 0 for none.
    width: usize,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Decimal,
    Hexadecimal,
    Letter,
}

impl<'a> Pattern<'a> {
    /// Finds the ranges of `text`.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (literal, from) = rest.split_at(at);
            let Some(inner) = from.strip_prefix('{') else {
                return Err(Problem::new("`}` without `{`; a range is written {1...4}"));
            };
            let Some((inner, after)) = inner.split_once('}') else {
                return Err(Problem::new(
                    "`{` without `}`; a range is written {1...4}, and a list like {a,b} is written \
                     out in full",
                ));
            };
            parts.push(Part::Literal(literal));
            parts.push(Part::Range(Range::parse(inner)?));
            rest = after;
        }
        parts.push(Part::Literal(rest));
        Ok(Self { parts })
    }

    /// How many texts the pattern stands for, at most `u64::MAX`.
    pub(crate) fn count(&self) -> u64 {
        self.ranges()
            .fold(1, |product, range| product.saturating_mul(range.count()))
    }

    /// The texts, in the order of nested loops with the leftmost range outermost.
    pub(crate) fn expand(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.count()).map(|index| self.nth(index))
    }

    fn nth(&self, index: u64) -> String {
        let mut text = String::new();
        let mut outer = self.count();
        let mut index = index;
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Range(range) => {
                    outer /= range.count();
                    range.write(index / outer, &mut text);
                    index %= outer;
                }
            }
        }
        text
    }

    fn ranges(&self) -> impl Iterator<Item = &Range> {
        self.parts.iter().filter_map(|part| match part {
            Part::Range(range) => Some(range),
            Part::Literal(_) => None,
        })
    }
}

impl Range {
    fn parse(inner: &str) -> Result<Self, Problem> {
        if inner.contains('{') {
            return Err(Problem::new(
                "a range cannot contain another; write {1...4}",
            ));
        }
        let Some((from, to)) = inner.split_once("...") else {
            return Err(match inner.split_once("..") {
                Some((from, to)) => Problem::new(format!(
                    "`{{{inner}}}` has two dots; a range has three: {{{from}...{to}}}"
                )),
                None => Problem::new(format!(
                    "`{{{inner}}}` is not a range; write it like {{1...4}}"
                )),
            });
        };
        let Some((first, last, form)) = bounds(from, to) else {
            return Err(Problem::new(format!(
                "`{{{inner}}}` is not a range; both ends are numbers or single letters: {{1...4}}"
            )));
        };
        if first > last {
            return Err(Problem::new(format!(
                "`{{{inner}}}` counts down; write {{{to}...{from}}}"
            )));
        }
        let padded = |end: &str| end.len() > 1 && end.starts_with('0');
        let width = if padded(from) || padded(to) {
            from.len().max(to.len())
        } else {
            0
        };
        Ok(Self {
            first,
            last,
            width,
            form,
        })
    }

    fn count(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    fn write(&self, step: u64, text: &mut String) {
        let (value, width) = (self.first + step, self.width);
        // Writing into a `String` cannot fail.
        let _ = match self.form {
            Form::Decimal => write!(text, "{value:0width$}"),
            Form::Hexadecimal => write!(text, "{value:0width$x}"),
            Form::Letter => write!(text, "{}", char::from(value as u8)),
        };
    }
}

fn bounds(from: &str, to: &str) -> Option<(u64, u64, Form)> {
    let every = |test: fn(&u8) -> bool| {
        !from.is_empty() && !to.is_empty() && from.bytes().chain(to.bytes()).all(|b| test(&b))
    };
    if every(u8::is_ascii_digit) {
        return Some((from.parse().ok()?, to.parse().ok()?, Form::Decimal));
    }
    if let ([a], [b]) = (from.as_bytes(), to.as_bytes())
        && (every(u8::is_ascii_lowercase) || every(u8::is_ascii_uppercase))
    {
        return Some((u64::from(*a), u64::from(*b), Form::Letter));
    }
    if every(u8::is_ascii_hexdigit) {
        let value = |text| u64::from_str_radix(text, 16).ok();
        return Some((value(from)?, value(to)?, Form::Hexadecimal));
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expanded(text: &str) -> Vec<String> {
        Pattern::parse(text).expect(text).expand().collect()
    }

    #[test]
    fn ranges_stand_for_each_of_their_members() {
        assert_eq!(expanded("plain"), ["plain"]);
        assert_eq!(expanded("h{1...3}"), ["h1", "h2", "h3"]);
        assert_eq!(expanded("{7...7}"), ["7"]);
        assert_eq!(expanded("h{08...11}x"), ["h08x", "h09x", "h10x", "h11x"]);
        assert_eq!(expanded("{9...011}"), ["009", "010", "011"]);
        assert_eq!(expanded("{0...10}").len(), 11);
        assert_eq!(expanded("{a...c}"), ["a", "b", "c"]);
        assert_eq!(expanded("{X...Z}"), ["X", "Y", "Z"]);
        assert_eq!(expanded("{9...b}"), ["9", "a", "b"]);
        assert_eq!(expanded("{0e...10}"), ["0e", "0f", "10"]);
    }

    #[test]
    fn the_rightmost_range_counts_fastest() {
        assert_eq!(
            expanded("r{1...2}n{a...b}"),
            ["r1na", "r1nb", "r2na", "r2nb"]
        );
    }

    #[test]
    fn slips_are_refused_with_their_cure() {
        for (text, cure) in [
            ("{1..4}", "a range has three: {1...4}"),
            ("{4...1}", "write {1...4}"),
            ("{1...4", "`{` without `}`"),
            ("1...4}", "`}` without `{`"),
            ("{1{2...3}", "cannot contain another"),
            ("{}", "not a range"),
            ("{...}", "not a range"),
            ("{1...}", "not a range"),
            ("{1....4}", "not a range"),
            ("{a...Z}", "not a range"),
            ("{x...10}", "not a range"),
            ("{1...99999999999999999999}", "not a range"),
        ] {
            let problem = Pattern::parse(text).expect_err(text).to_string();
            assert!(problem.contains(cure), "{text}: {problem}");
        }
    }

    #[test]
    fn giant_products_are_counted_not_built() {
        let text = "{1...18446744073709551615}{0...18446744073709551615}";
        assert_eq!(Pattern::parse(text).expect(text).count(), u64::MAX);
    }

    proptest! {
        #[test]
        fn the_count_is_the_product_and_every_text_differs(
            (a, b, c, d) in (0_u64..100, 0_u64..30, 0_u64..1000, 0_u64..30)
        ) {
            let text = format!("x{{{a}...{}}}-{{{c:04}...{:04}}}", a + b, c + d);
            let texts = expanded(&text);
            prop_assert_eq!(texts.len() as u64, (b + 1) * (d + 1));
            let mut unique = texts.clone();
            unique.sort();
            unique.dedup();
            prop_assert_eq!(unique.len(), texts.len());
            for text in texts {
                prop_assert_eq!(text.split_once('-').expect("literal").1.len(), 4);
            }
        }

        #[test]
        fn any_text_is_answered(text in r"\PC*|[{}.0-9a-f]{0,24}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert!(pattern.expand().take(3).count() > 0);
            }
        }
    }
}
