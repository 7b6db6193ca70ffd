//! Figures for people: sizes, durations and shares, one decimal at most, cut off and never rounded
//! up, so that 999.96 ms does not read as 1000.0 ms.

use std::fmt;
use std::time::Duration;

/// Bytes: `64 B`, `1.2 KiB`, `3.4 GiB`.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let Some(power) = self
            .0
            .checked_ilog2()
            .map(|log| log / 10)
            .filter(|power| *power > 0)
        else {
            return write!(f, "{} B", self.0);
        };
        let tenths = (u128::from(self.0) * 10) >> (10 * power);
        let unit = UNITS[power as usize - 1];
        write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// A length of time: `420µs`, `1.3ms`, `2.5s`, `1m3s`, `2h14m`, `3d4h`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        match seconds {
            0 if nanos < 1_000 => write!(f, "{nanos}ns"),
            0 if nanos < 1_000_000 => write!(f, "{}µs", nanos / 1_000),
            0 if nanos < 100_000_000 => {
                write!(f, "{}.{}ms", nanos / 1_000_000, nanos / 100_000 % 10)
            }
            0 => write!(f, "{}ms", nanos / 1_000_000),
            1..MINUTE => write!(f, "{seconds}.{}s", nanos / 100_000_000),
            MINUTE..HOUR => write!(f, "{}m{}s", seconds / MINUTE, seconds % MINUTE),
            HOUR..DAY => write!(f, "{}h{}m", seconds / HOUR, seconds % HOUR / MINUTE),
            _ => write!(f, "{}d{}h", seconds / DAY, seconds % DAY / HOUR),
        }
    }
}

/// A part of a whole: `73.4%`; `–` of nothing.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// At most `whole`.
    pub part: u64,
    /// All there is.
    pub whole: u64,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(tenths) = (u128::from(self.part) * 1000).checked_div(self.whole.into()) else {
            return f.write_str("–");
        };
        write!(f, "{}.{}%", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_keeps_them_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (64, "64 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1231, "1.2 KiB"),
            ((1 << 20) - 1, "1023.9 KiB"),
            (1 << 20, "1.0 MiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }

    #[test]
    fn durations_have_the_unit_that_keeps_them_short() {
        for (nanos, text) in [
            (0, "0ns"),
            (999, "999ns"),
            (420_670, "420µs"),
            (1_390_000, "1.3ms"),
            (99_990_000, "99.9ms"),
            (250_900_000, "250ms"),
            (999_960_000, "999ms"),
            (2_500_000_000, "2.5s"),
            (59_990_000_000, "59.9s"),
            (63_000_000_000, "1m3s"),
            (8_040_000_000_000, "2h14m"),
            (273_600_000_000_000, "3d4h"),
        ] {
            assert_eq!(Span(Duration::from_nanos(nanos)).to_string(), text);
        }
    }

    #[test]
    fn all_but_one_is_not_all() {
        for (part, whole, text) in [
            (0, 0, "–"),
            (0, 7, "0.0%"),
            (1, 3, "33.3%"),
            (9_999, 10_000, "99.9%"),
            (u64::MAX, u64::MAX, "100.0%"),
        ] {
            assert_eq!(Share { part, whole }.to_string(), text);
        }
    }
}
