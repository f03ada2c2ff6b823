//! Numbers for words, the same in all sources that a process reads.
//!
//! Each word of a source is looked up once, when it is read; after that, what is mentioned is a list of numbers. The table
//! is written out: without an optimiser, the generic ones of the standard library cost a multiple.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) type WordId = u32;

/// Words that are not called by the parentheses after them, nor name the macro before a `!`. (`self`, `Self` and `fn`
/// stand before arguments and parameters.)
pub(crate) const KEYWORDS: [&str; 34] = [
    "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
    "return", "static", "type", "unsafe", "use", "where", "while", "yield",
];

/// Whether the word is one of [`KEYWORDS`].
pub(crate) fn is_keyword(word: WordId) -> bool {
    (word as usize) < KEYWORDS.len()
}

/// The number of a name, as it is written or without `r#`.
pub(crate) fn id(word: &str) -> WordId {
    lock().id(word)
}

/// How many words there are.
pub(crate) fn count() -> usize {
    lock().ends.len()
}

/// All words, for as long as a source is read.
pub(crate) fn lock() -> MutexGuard<'static, Words> {
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if words.ends.is_empty() {
        for word in KEYWORDS {
            words.add(word);
        }
    }
    words
}

static WORDS: Mutex<Words> = Mutex::new(Words { text: String::new(), ends: Vec::new(), slots: Vec::new() });

/// A hash table of words.
#[derive(Debug)]
pub(crate) struct Words {
    /// All words, one after the other.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
    /// Numbers of words plus one, where their hashes put them or behind; zero where there is none.
    slots: Vec<u32>,
}

impl Words {
    /// The number of a word as it is in a source. Of a name with `r#` it is that of the name, which may be a keyword
    /// otherwise.
    pub(crate) fn token(&mut self, word: &str) -> WordId {
        match word.strip_prefix("r#") {
            Some(name) => self.id(name),
            None => self.add(word),
        }
    }

    /// The number of a name.
    pub(crate) fn id(&mut self, name: &str) -> WordId {
        let name = name.strip_prefix("r#").unwrap_or(name);
        let id = self.add(name);
        if is_keyword(id) { self.add(&format!("r#{name}")) } else { id }
    }

    /// The word of a number.
    pub(crate) fn text(&self, word: WordId) -> &str {
        let word = word as usize;
        let start = if word == 0 { 0 } else { self.ends[word - 1] };
        &self.text[start..self.ends[word]]
    }

    fn add(&mut self, word: &str) -> WordId {
        if self.slots.len() <= 2 * self.ends.len() {
            self.grow();
        }
        let mut slot = hash(word) & (self.slots.len() - 1);
        while self.slots[slot] != 0 {
            let id = self.slots[slot] - 1;
            if self.text(id) == word {
                return id;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.text.push_str(word);
        self.ends.push(self.text.len());
        let count = u32::try_from(self.ends.len()).expect("there are fewer than 2³² words");
        self.slots[slot] = count;
        count - 1
    }

    fn grow(&mut self) {
        let size = (4 * self.slots.len()).max(1 << 14);
        let mut slots = vec![0; size];
        for word in 0..self.ends.len() {
            let id = u32::try_from(word).expect("there are fewer than 2³² words");
            let mut slot = hash(self.text(id)) & (size - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            slots[slot] = id + 1;
        }
        self.slots = slots;
    }
}

/// Eight bytes at a time.
fn hash(word: &str) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut rest = word.as_bytes();
    let mut hash = rest.len() as u64;
    while let Some((chunk, others)) = rest.split_first_chunk::<8>() {
        hash = (hash ^ u64::from_le_bytes(*chunk)).wrapping_mul(FACTOR).rotate_left(31);
        rest = others;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR);
    usize::try_from(hash >> 32).expect("32 bits fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_number_and_a_raw_name_that_of_the_name() {
        let mut words = lock();
        let names = (0..20_000).map(|number| format!("some_name_{number}_of_many")).collect::<Vec<_>>();
        let ids: Vec<WordId> = names.iter().map(|name| words.token(name)).collect();
        for (name, id) in names.iter().zip(ids) {
            assert_eq!((words.token(name), words.id(name), words.text(id)), (id, id, name.as_str()));
        }
        assert_eq!(words.token("r#plain"), words.token("plain"));
        assert!(is_keyword(words.token("match")));
        assert!(!is_keyword(words.token("r#match")));
        assert_eq!(words.token("r#match"), words.id("match"));
    }
}
