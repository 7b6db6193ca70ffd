//! The chunked coding (RFC 9112 §7.1), validated as it passes and copied nowhere.

mod trailer;

use super::framing::LARGEST_LENGTH;
use super::rejection::Rejection;
use trailer::{TrailerScanner, TrailerState};

/// Digits of a chunk size: leading zeros beyond a `u64` have no honest use.
const SIZE_DIGITS: u8 = 16;

/// Bytes of extensions that one chunk may carry.
const EXTENSION_LIMIT: u16 = 4096;

/// Follows a chunked body through any pieces it arrives in and says what each byte is.
///
/// ```text
/// Size ──CR──▶ SizeLf ──size>0──▶ Data ──▶ DataCr ──▶ DataLf ──▶ Size
///  └─;─▶ Extension ─CR─┘  └─size=0──▶ Trailers ──blank line──▶ Done
/// ```
#[derive(Clone, Debug, Default)]
pub struct ChunkScanner {
    state: State,
    /// Of the chunk whose size is being read, or what is left of its data.
    remaining: u64,
    trailers: TrailerScanner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { digits: u8 },
    Extension { length: u16 },
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers,
    Done,
}

impl Default for State {
    fn default() -> Self {
        Self::Size { digits: 0 }
    }
}

/// What the first bytes of the input are. The counts are never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkStep {
    /// So many bytes of sizes, extensions, line ends or trailers, perhaps not yet all of them.
    Framing(usize),
    /// So many bytes of data.
    Data(usize),
    /// So many bytes, the last of which ends the body; what follows is another message.
    End(usize),
    /// The input is used up.
    NeedMore,
}

/// How far [`ChunkScanner::scan`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Bytes of the input that belong to the body.
    pub consumed: usize,
    /// Of these, bytes of chunk data.
    pub data: u64,
    /// Whether the body ends with them.
    pub done: bool,
}

impl ChunkScanner {
    /// Says what the next bytes are; `bytes` starts where the last step ended. After the end it
    /// answers [`ChunkStep::NeedMore`], after an error the body is lost.
    pub fn step(&mut self, bytes: &[u8]) -> Result<ChunkStep, Rejection> {
        if self.state == State::Data && !bytes.is_empty() {
            let passed = self.remaining.min(bytes.len() as u64);
            self.data_passed(passed);
            return Ok(ChunkStep::Data(passed as usize));
        }
        let mut used = 0;
        while used < bytes.len() && !matches!(self.state, State::Data | State::Done) {
            if self.state == State::Trailers {
                let (consumed, state) = self.trailers.scan(&bytes[used..])?;
                used += consumed;
                if state == TrailerState::Ended {
                    self.state = State::Done;
                    return Ok(ChunkStep::End(used));
                }
            } else {
                self.state = self.after(bytes[used])?;
                used += 1;
            }
        }
        Ok(if used == 0 {
            ChunkStep::NeedMore
        } else {
            ChunkStep::Framing(used)
        })
    }

    /// Goes as far as the bytes reach, for a relay that passes the coding on as it came.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Scan, Rejection> {
        let mut scan = Scan {
            consumed: 0,
            data: 0,
            done: self.is_done(),
        };
        loop {
            match self.step(&bytes[scan.consumed..])? {
                ChunkStep::Framing(count) => scan.consumed += count,
                ChunkStep::Data(count) => {
                    scan.consumed += count;
                    scan.data += count as u64;
                }
                ChunkStep::End(count) => {
                    scan.consumed += count;
                    scan.done = true;
                    return Ok(scan);
                }
                ChunkStep::NeedMore => return Ok(scan),
            }
        }
    }

    /// Bytes of the current chunk's data still to come; 0 outside of data.
    pub fn data_remaining(&self) -> u64 {
        if self.state == State::Data {
            self.remaining
        } else {
            0
        }
    }

    /// Tells that bytes of data were moved without being shown here, by splice: at most
    /// [`ChunkScanner::data_remaining`].
    pub fn data_passed(&mut self, count: u64) {
        debug_assert!(
            count <= self.data_remaining(),
            "more data passed than the chunk has"
        );
        if self.state == State::Data {
            self.remaining = self.remaining.saturating_sub(count);
            if self.remaining == 0 {
                self.state = State::DataCr;
            }
        }
    }

    /// Whether the body has ended.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn after(&mut self, byte: u8) -> Result<State, Rejection> {
        match (self.state, byte) {
            (State::Size { digits: 1.. } | State::Extension { .. }, b'\r') => Ok(State::SizeLf),
            (State::Size { digits: 1.. }, b';') => Ok(State::Extension { length: 0 }),
            (State::Size { digits }, _) => self.digit(digits, byte),
            (
                State::Extension {
                    length: EXTENSION_LIMIT,
                },
                _,
            ) => Err(Rejection::ChunkExtensionTooLong),
            (State::Extension { length }, byte) if super::ascii::is_value_byte(byte) => {
                Ok(State::Extension { length: length + 1 })
            }
            (State::Extension { .. }, b'\n') => Err(Rejection::BareLf),
            (State::Extension { .. }, _) => Err(Rejection::BadChunkExtension),
            (State::SizeLf, b'\n') if self.remaining == 0 => Ok(State::Trailers),
            (State::SizeLf, b'\n') => Ok(State::Data),
            (State::SizeLf, _) => Err(Rejection::BareCr),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::default()),
            _ => Err(Rejection::BadChunkEnd),
        }
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Result<State, Rejection> {
        let digit = (byte as char).to_digit(16).ok_or(match byte {
            b'\n' if digits > 0 => Rejection::BareLf,
            _ => Rejection::BadChunkSize,
        })?;
        if digits == SIZE_DIGITS {
            return Err(Rejection::BadChunkSize);
        }
        // The last chunk left zero here, and each chunk's data runs down to it.
        self.remaining = self.remaining << 4 | u64::from(digit);
        if self.remaining > LARGEST_LENGTH {
            return Err(Rejection::BadChunkSize);
        }
        Ok(State::Size { digits: digits + 1 })
    }
}

#[cfg(test)]
mod tests;
