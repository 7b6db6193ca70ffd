//! When changed files are taken over, and when their failure is told. Nothing here looks at a file.

use super::named_file::Digest;

/// Looks that a failure has to last, unless somebody asked: a pair is not written at one moment,
/// and a file may be read while it is written.
const LOOKS: u32 = 2;

/// What was seen of some files that belong together.
#[derive(Clone, Debug)]
pub(super) struct Vigil {
    /// The content in force.
    taken: Digest,
    /// Another content, which was refused.
    refused: Option<Refused>,
}

#[derive(Clone, Debug)]
struct Refused {
    content: Digest,
    looks: u32,
}

/// What to do with a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in force already, or is known to be no good.
    Leave,
    /// Build from it, and say how that went.
    Try,
}

impl Vigil {
    /// This content is in force.
    pub(super) fn new(taken: Digest) -> Self {
        Self {
            taken,
            refused: None,
        }
    }

    /// A look at the files. Somebody who `asked` wants to hear again what was told before.
    pub(super) fn look(&mut self, content: Digest, asked: bool) -> Verdict {
        if content == self.taken {
            self.refused = None;
            return Verdict::Leave;
        }
        match &self.refused {
            Some(refused) if refused.content == content && refused.looks >= LOOKS && !asked => {
                Verdict::Leave
            }
            _ => Verdict::Try,
        }
    }

    /// The content was built from and is in force.
    pub(super) fn took(&mut self, content: Digest) {
        *self = Self::new(content);
    }

    /// The content could not be built from. Whether that is to be told now.
    pub(super) fn failed(&mut self, content: Digest, asked: bool) -> bool {
        let before = match &self.refused {
            Some(refused) if refused.content == content => refused.looks,
            _ => 0,
        };
        let looks = if asked { LOOKS } else { before + 1 };
        self.refused = Some(Refused { content, looks });
        looks == LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at contents one after the other; those in `good` can be built from. What each look
    /// led to: `.` nothing, `+` taken, `-` failed in silence, `!` failed and told. A capital letter
    /// is a look that somebody asked for.
    fn watched(looks: &str, good: &str) -> String {
        let mut vigil = Vigil::new([b'a'; 32]);
        let outcome = |letter: char| {
            let asked = letter.is_ascii_uppercase();
            let content = [letter.to_ascii_lowercase() as u8; 32];
            if vigil.look(content, asked) == Verdict::Leave {
                return '.';
            }
            if good.contains(letter.to_ascii_lowercase()) {
                vigil.took(content);
                return '+';
            }
            if vigil.failed(content, asked) {
                '!'
            } else {
                '-'
            }
        };
        looks.chars().map(outcome).collect()
    }

    #[test]
    fn a_changed_content_is_taken_once() {
        assert_eq!(watched("aabbb", "ab"), "..+..");
        assert_eq!(watched("aAB", "ab"), "..+");
        assert_eq!(watched("baba", "ab"), "++++");
    }

    #[test]
    fn a_failure_is_told_once_when_it_stays() {
        assert_eq!(watched("bbbbb", ""), "-!...");
        assert_eq!(watched("bbbcc", ""), "-!.-!");
    }

    #[test]
    fn a_pair_written_one_after_the_other_is_never_told() {
        assert_eq!(watched("abcc", "c"), ".-+.");
        assert_eq!(watched("abacc", "c"), ".-.+.");
    }

    #[test]
    fn who_asks_is_told_at_once_and_again() {
        assert_eq!(watched("BbB", ""), "!.!");
        assert_eq!(watched("bBb", ""), "-!.");
    }

    #[test]
    fn a_failure_that_went_away_counts_from_the_start_when_it_is_back() {
        assert_eq!(watched("babb", ""), "-.-!");
        assert_eq!(watched("bbabb", ""), "-!.-!");
    }
}
