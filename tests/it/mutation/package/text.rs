//! Words and how often they occur.

use std::collections::BTreeMap;

use rememo::memo;
use serde::{Deserialize, Serialize};

static STOP_WORDS: &[&str] = &["the", "a", "of"];
const VOWELS: &str = "aeiouy";
const SUFFIXES: [&str; 2] = ["ing", "s"];
const ENDS: [char; 2] = ['.', '!'];

/// How words are told apart.
#[derive(Serialize, Deserialize)]
pub struct Reading {
    pub fold_case: bool,
    #[serde(default = "shortest")]
    pub shortest: usize,
}

fn shortest() -> usize {
    2
}

impl Default for Reading {
    fn default() -> Self {
        Reading { fold_case: true, shortest: shortest() }
    }
}

pub trait Words {
    fn words(&self, reading: &Reading) -> Vec<String>;
    fn syllables(&self) -> usize;
}

impl Words for str {
    fn words(&self, reading: &Reading) -> Vec<String> {
        self.split(|c: char| !c.is_alphabetic())
            .filter(|word| word.len() >= reading.shortest)
            .map(|word| if reading.fold_case { word.to_lowercase() } else { word.to_owned() })
            .collect()
    }

    fn syllables(&self) -> usize {
        self.chars().filter(|c| is_vowel(*c)).count().max(1)
    }
}

fn is_vowel(c: char) -> bool {
    VOWELS.contains(c)
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

fn stem(word: &str) -> &str {
    SUFFIXES.iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word)
}

/// Words with their counts.
#[derive(Default)]
struct Tally(BTreeMap<String, u64>);

impl Extend<String> for Tally {
    fn extend<I: IntoIterator<Item = String>>(&mut self, words: I) {
        for word in words {
            *self.0.entry(word).or_default() += 1;
        }
    }
}

impl IntoIterator for Tally {
    type Item = (String, u64);
    type IntoIter = std::vec::IntoIter<(String, u64)>;

    fn into_iter(self) -> Self::IntoIter {
        let mut counts: Vec<_> = self.0.into_iter().collect();
        counts.sort_by_key(|(_, count)| u64::MAX - count);
        counts.into_iter()
    }
}

#[memo]
pub fn frequencies(text: &str) -> Vec<(String, u64)> {
    let mut tally = Tally::default();
    let words = text.words(&Default::default());
    tally.extend(words.iter().filter(|word| !is_stop_word(word)).map(|word| stem(word).to_owned()));
    tally.into_iter().collect()
}

/// Syllables for each word, and words for each sentence.
#[memo]
pub fn difficulty(text: &str, reading: &Reading) -> (usize, usize, usize) {
    let words = text.words(reading);
    let syllables = words.iter().map(|word| word.syllables()).sum();
    (syllables, words.len(), text.matches(ENDS).count())
}
