//! The date form of HTTP (RFC 9110 §5.6.7).

const WEEKDAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const DAY: u64 = 86_400;

/// Appends a time, in seconds since 1970 UTC, as `Sun, 06 Nov 1994 08:49:37 GMT`. Times past the
/// year 9999 are written as its end.
pub fn write_http_date(unix: u64, out: &mut Vec<u8>) {
    let unix = unix.min(253_402_300_799);
    let (days, second) = (unix / DAY, unix % DAY);
    let (year, month, day) = civil(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    text[..3].copy_from_slice(WEEKDAYS[(days % 7) as usize]);
    two_digits(&mut text[5..7], day);
    text[8..11].copy_from_slice(MONTHS[(month as usize + 11) % 12]);
    two_digits(&mut text[12..14], year / 100);
    two_digits(&mut text[14..16], year % 100);
    two_digits(&mut text[17..19], second / 3600);
    two_digits(&mut text[20..22], second / 60 % 60);
    two_digits(&mut text[23..25], second % 60);
    out.extend_from_slice(&text);
}

fn two_digits(room: &mut [u8], value: u64) {
    room[0] = b'0' + (value / 10 % 10) as u8;
    room[1] = b'0' + (value % 10) as u8;
}

/// Year, month (1 to 12) and day of the proleptic Gregorian calendar. Counts from 1 March of the
/// year 0, so that a leap day is the last of its year and months follow one formula.
fn civil(days_since_1970: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468;
    const ERA: u64 = 146_097;
    let days = days_since_1970 + DAYS_TO_1970;
    let (era, day_of_era) = (days / ERA, days % ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unix: u64) -> String {
        let mut out = Vec::new();
        write_http_date(unix, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_are_in_the_fixed_form() {
        assert_eq!(text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(text(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(text(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(text(1_767_225_599), "Wed, 31 Dec 2025 23:59:59 GMT");
        assert_eq!(text(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn dates_agree_with_a_calendar_library() {
        for step in 0..20_000_u32 {
            let unix = i64::from(step) * 12_345_677;
            let known = jiff::Timestamp::from_second(unix).unwrap();
            let known = jiff::fmt::rfc2822::DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&known)
                .unwrap();
            assert_eq!(text(unix.cast_unsigned()), known);
        }
    }
}
