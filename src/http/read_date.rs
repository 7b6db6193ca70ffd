//! Reading dates: the form in use and the two obsolete ones (RFC 9110 §5.6.7).

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];
const DAY: u64 = 86_400;
/// A two-digit year that would be further ahead than this is of the century before.
const FIFTY_YEARS: u64 = 50;

/// A date and time of day as it was written.
struct Written {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
}

/// Reads an HTTP date as seconds since 1970 UTC, earlier ones as 0: `Sun, 06 Nov 1994 08:49:37
/// GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`. `None` for anything else.
/// Names of days and months are taken in any case, and the day of the week is not checked: both
/// come from old senders, and neither can be misread. `now` says which century two digits mean.
pub fn read_http_date(value: &[u8], now: u64) -> Option<u64> {
    let words: Vec<&[u8]> = value.split(|&byte| byte == b' ').collect();
    let written = match *words.as_slice() {
        [weekday, day, month, year, time, zone] if is_zone(zone) => {
            is_weekday(weekday.strip_suffix(b",")?, 3..=3)?;
            Written {
                year: number(year, 4)?,
                month: month_of(month)?,
                day: number(day, 2)?,
                second: time_of_day(time)?,
            }
        }
        [weekday, date, time, zone] if is_zone(zone) => {
            is_weekday(weekday.strip_suffix(b",")?, 6..=9)?;
            let mut parts = date.split(|&byte| byte == b'-');
            let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
            if parts.next().is_some() {
                return None;
            }
            Written {
                year: full_year(number(year, 2)?, now),
                month: month_of(month)?,
                day: number(day, 2)?,
                second: time_of_day(time)?,
            }
        }
        [weekday, month, b"", day, time, year] => {
            is_weekday(weekday, 3..=3)?;
            asctime(month, number(day, 1)?, time, year)?
        }
        [weekday, month, day, time, year] => {
            is_weekday(weekday, 3..=3)?;
            asctime(month, number(day, 2)?, time, year)?
        }
        _ => return None,
    };
    written.seconds_since_1970()
}

fn asctime(month: &[u8], day: u64, time: &[u8], year: &[u8]) -> Option<Written> {
    Some(Written {
        year: number(year, 4)?,
        month: month_of(month)?,
        day,
        second: time_of_day(time)?,
    })
}

impl Written {
    fn seconds_since_1970(&self) -> Option<u64> {
        let is_leap = self.year.is_multiple_of(4)
            && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let last = match self.month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if self.day == 0 || self.day > last {
            return None;
        }
        if self.year < 1970 {
            return Some(0);
        }
        Some(days_since_1970(self.year, self.month, self.day) * DAY + self.second)
    }
}

/// Counts years from 1 March, so that a leap day is the last of its year. The year is 1970 or
/// later.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    const DAYS_TO_1970: u64 = 719_468;
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - DAYS_TO_1970
}

/// RFC 9110 §5.6.7: what appears to be more than fifty years ahead is the past year with the same
/// last two digits.
fn full_year(two_digits: u64, now: u64) -> u64 {
    const YEAR_9999: u64 = 253_402_300_799;
    let this_year = 1970 + now.min(YEAR_9999) / 31_556_952;
    let year = this_year - this_year % 100 + two_digits;
    if year > this_year + FIFTY_YEARS {
        year - 100
    } else {
        year
    }
}

fn is_zone(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"GMT")
}

fn is_weekday(text: &[u8], lengths: std::ops::RangeInclusive<usize>) -> Option<()> {
    (lengths.contains(&text.len()) && text.iter().all(u8::is_ascii_alphabetic)).then_some(())
}

fn month_of(text: &[u8]) -> Option<u64> {
    let position = MONTHS
        .iter()
        .position(|month| text.eq_ignore_ascii_case(&month[..]))?;
    Some(position as u64 + 1)
}

/// `08:49:37`; a leap second is the second before it.
fn time_of_day(text: &[u8]) -> Option<u64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *text else {
        return None;
    };
    let (hour, minute) = (number(&[h1, h2], 2)?, number(&[m1, m2], 2)?);
    let second = number(&[s1, s2], 2)?;
    (hour < 24 && minute < 60 && second < 61).then(|| hour * 3600 + minute * 60 + second.min(59))
}

/// Exactly so many digits.
fn number(text: &[u8], digits: usize) -> Option<u64> {
    (text.len() == digits && text.iter().all(u8::is_ascii_digit)).then(|| {
        text.iter()
            .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::write_http_date;
    use super::read_http_date;

    /// 2026-11-25.
    const NOW: u64 = 1_795_600_000;

    fn read(text: &str) -> Option<u64> {
        read_http_date(text.as_bytes(), NOW)
    }

    #[test]
    fn the_three_forms_name_the_same_second() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 nov 1994 08:49:37 gmt",
        ] {
            assert_eq!(read(text), Some(784_111_777), "{text}");
        }
        assert_eq!(read("Wed Nov 16 08:49:37 1994"), Some(784_975_777));
    }

    #[test]
    fn two_digits_are_at_most_fifty_years_ahead() {
        let seconds = |text| read(text).unwrap();
        assert_eq!(
            seconds("Thursday, 18-Aug-50 02:01:18 GMT"),
            seconds("Thu, 18 Aug 2050 02:01:18 GMT")
        );
        assert_eq!(
            seconds("Wednesday, 18-Aug-77 02:01:18 GMT"),
            seconds("Thu, 18 Aug 1977 02:01:18 GMT")
        );
    }

    #[test]
    fn leap_days_and_early_years_are_known() {
        assert_eq!(read("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(read("Sat, 01 Jan 1000 00:00:00 GMT"), Some(0));
        assert_eq!(
            read("Sat, 31 Dec 2016 23:59:60 GMT"),
            read("Sat, 31 Dec 2016 23:59:59 GMT")
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "0",
            "-1",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Tue, 29 Feb 1900 00:00:00 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Now 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sunday, 06-Nov-94-95 08:49:37 GMT",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(unix in 0u64..253_402_300_800) {
            let mut text = Vec::new();
            write_http_date(unix, &mut text);
            prop_assert_eq!(read_http_date(&text, NOW), Some(unix));
        }

        #[test]
        fn no_bytes_and_no_clock_make_it_panic(value in prop::collection::vec(any::<u8>(), 0..40), now in any::<u64>()) {
            let _ = read_http_date(&value, now);
        }

        #[test]
        fn nearly_a_date_never_panics(text in "[SMTW][a-z]{2,8},? [0-9]{0,2}[ -][A-Z][a-z]{2}[ -][0-9]{0,4} [0-9]{2}:[0-9]{2}:[0-9]{2} ?(GMT)?", now in any::<u32>()) {
            let _ = read_http_date(text.as_bytes(), now.into());
        }
    }
}
