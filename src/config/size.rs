//! Numbers of bytes as people write them: `100000`, `64MB`, `32MiB`.

use super::error::{Problem, shown};

/// Units in lower case with their bytes. Those with an `i` are powers of 1024.
const UNITS: [(&str, u64); 14] = [
    ("", 1),
    ("b", 1),
    ("k", 1_000),
    ("kb", 1_000),
    ("m", 1_000_000),
    ("mb", 1_000_000),
    ("g", 1_000_000_000),
    ("gb", 1_000_000_000),
    ("ki", 1 << 10),
    ("kib", 1 << 10),
    ("mi", 1 << 20),
    ("mib", 1 << 20),
    ("gi", 1 << 30),
    ("gib", 1 << 30),
];

/// Reads a number of bytes: a whole number, and a unit in any case.
pub(crate) fn parse(text: &str) -> Result<u64, Problem> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit = unit.trim().to_ascii_lowercase();
    let scale = UNITS.iter().find(|(name, _)| *name == unit);
    let (Some((_, scale)), false) = (scale, number.is_empty()) else {
        return Err(Problem::new(format!(
            "`{}` is not a size; write it like 32MiB, 64MB or 100000",
            shown(text)
        )));
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*scale))
        .filter(|bytes| i64::try_from(*bytes).is_ok())
        .ok_or_else(|| Problem::new("a size cannot be larger than 8 EiB; write less"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("100000", 100_000),
            ("64MB", 64_000_000),
            ("32MiB", 33_554_432),
            ("32mib", 33_554_432),
            ("1 GiB", 1 << 30),
            ("5k", 5_000),
            ("9223372036854775807", i64::MAX.unsigned_abs()),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_its_cure() {
        for text in ["", "MiB", "-1", "1.5MiB", "1MiBs", "1MB1", "0x10", "٣MB"] {
            let problem = parse(text).unwrap_err().to_string();
            assert!(problem.contains("write it like 32MiB"), "{text}: {problem}");
        }
        for text in ["9223372036854775808", "99999999999GiB"] {
            assert!(parse(text).unwrap_err().to_string().contains("8 EiB"));
        }
    }
}
