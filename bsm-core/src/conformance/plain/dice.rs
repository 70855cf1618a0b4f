//! Choices that follow from a wish's bytes, and the texts among which they choose. A zero always chooses what is plain and
//! acceptable, so what proptest shrinks becomes simpler.

use crate::model::Money;

/// A wish's bytes, thrown one after another; zeros when there are no more.
#[derive(Debug)]
pub(crate) struct Dice<'a>(std::slice::Iter<'a, u8>);

impl<'a> Dice<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    /// A number below `end`, which is at most 256 and not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// Once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        let place = usize::from(self.byte());
        choices.get(place % choices.len().max(1)).cloned()
    }

    /// A line, now and then one that is none, of at most `most` characters.
    pub(crate) fn line(&mut self, good: &[&str], most: usize) -> String {
        match self.byte() {
            250 => String::new(),
            251 => " \t ".to_owned(),
            252 => "x".repeat(most + 1),
            253 => "ü".repeat(most),
            254 => "two\nlines".to_owned(),
            255 => "with a bell \u{7}".to_owned(),
            byte => good[usize::from(byte) % good.len()].to_owned(),
        }
    }

    /// Several lines, or none, and now and then some that are none.
    pub(crate) fn lines(&mut self, most: usize) -> String {
        const GOOD: [&str; 5] = ["", "One line", "Two\r\nlines", " padded\n\twith a tab ", "«ünï» '\"\\"];
        match self.byte() {
            253 => "x".repeat(most + 1),
            254 => "a lone \r return".to_owned(),
            255 => "  \n ".to_owned(),
            byte => GOOD[usize::from(byte) % GOOD.len()].to_owned(),
        }
    }

    pub(crate) fn title(&mut self) -> String {
        self.line(&["Screen is black", " Mail is down ", "Printer jams", "Große Störung"], 200)
    }

    pub(crate) fn word(&mut self) -> String {
        self.line(&["mail", "mail server", "hardware", "ma"], 64)
    }

    pub(crate) fn maybe_word(&mut self) -> Option<String> {
        if self.byte() < 100 { None } else { Some(self.word()) }
    }

    pub(crate) fn outer_id(&mut self) -> Option<String> {
        if self.byte() < 190 {
            return None;
        }
        Some(self.line(&["A-1", "A-2", " A-3 ", "a-1", "A-4", "A-5", "A-6", "A-7"], 128))
    }

    pub(crate) fn email(&mut self) -> String {
        match self.byte() {
            249 => "nobody".to_owned(),
            250 => "two words@people.example".to_owned(),
            251 => "@people.example".to_owned(),
            252 => "somebody@nowhere".to_owned(),
            253 => " \t".to_owned(),
            254 => format!("{}@people.example", "x".repeat(250)),
            255 => "a@b@people.example".to_owned(),
            byte if byte % 5 == 4 => format!(" Person.{}@People.Example ", byte % 96),
            byte => format!("person.{}@people.example", byte % 96),
        }
    }

    pub(crate) fn name(&mut self) -> String {
        self.line(&["Nora Lind", "Theo Brandt", "Ada Byron", "Ben Okafor", "Zoë"], 120)
    }

    pub(crate) fn price(&mut self) -> Option<Money> {
        const PRICES: [&str; 6] = ["49.90 EUR", "1200 USD", "0 EUR", "0.01 EUR", "1000000000 JPY", "1.234 KWD"];
        self.one_of(&PRICES).and_then(|price| price.parse().ok())
    }
}
