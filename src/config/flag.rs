//! What a flag is. The lists of them stand in `args`; the command line, the environment, the file,
//! the help text, completions, the manual page and the reference are all read from those lists.

/// One setting that can be typed as `--name`, set as `SIDEKICK_NAME` or written into the file.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) kind: Kind,
    /// What is meant when nothing is given, written as one would type it.
    pub(crate) default: Option<&'static str>,
    /// How the default is described where it is no fixed text.
    pub(crate) described_default: Option<&'static str>,
    /// One sentence, without its full stop.
    pub(crate) help: &'static str,
    /// Left out of help and completions.
    pub(crate) hidden: bool,
    /// Its value is never repeated in a message.
    pub(crate) secret: bool,
    pub(crate) reach: Reach,
}

/// What may be written as a flag's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// On or off; `--flag`, `--flag=false`.
    Switch,
    /// Any text; the word that stands for it in the help text.
    Text(&'static str),
    /// A whole number; the word that stands for it.
    Number(&'static str),
    /// Several whole numbers: repeated, or separated by commas.
    Numbers(&'static str),
    /// A span of time, see `duration`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// Where a flag may be given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reach {
    /// Command line, environment and file.
    Everywhere,
    /// Not in the file: it says which file.
    NotInFile,
    /// It asks this one run for something else than serving.
    CommandLine,
}

impl Flag {
    const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            name,
            short: None,
            kind,
            default: None,
            described_default: None,
            help,
            hidden: false,
            secret: false,
            reach: Reach::Everywhere,
        }
    }

    pub(crate) const fn switch(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Switch, help)
    }

    pub(crate) const fn text(name: &'static str, word: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Text(word), help)
    }

    pub(crate) const fn number(name: &'static str, word: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Number(word), help)
    }

    pub(crate) const fn numbers(
        name: &'static str,
        word: &'static str,
        help: &'static str,
    ) -> Self {
        Self::new(name, Kind::Numbers(word), help)
    }

    pub(crate) const fn duration(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Duration, help)
    }

    pub(crate) const fn choice(
        name: &'static str,
        words: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self::new(name, Kind::Choice(words), help)
    }

    pub(crate) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(crate) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(crate) const fn described_default(mut self, words: &'static str) -> Self {
        self.described_default = Some(words);
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) const fn reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// The variable that sets it: `SIDEKICK_HEALTH_PATH`.
    pub(crate) fn variable(&self) -> String {
        format!(
            "SIDEKICK_{}",
            self.name.replace('-', "_").to_ascii_uppercase()
        )
    }

    /// The word that stands for its value in usage lines; `None` for a switch.
    pub(crate) fn value_word(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Switch => None,
            Kind::Text(word) | Kind::Number(word) | Kind::Numbers(word) => Some(word),
            Kind::Duration => Some("DURATION"),
            Kind::Choice(_) => Some("WORD"),
        }
    }
}
