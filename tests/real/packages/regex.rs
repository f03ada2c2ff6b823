//@ regex = "=1.13.2"
//@ edited: regex regex-automata regex-syntax aho-corasick memchr

use regex::{Captures, Regex, RegexBuilder, RegexSet, bytes};

fn text(seed: u64) -> String {
    let words = [
        "alpha",
        "beta-12",
        "2024-05-17",
        "Ünïcode",
        "x@y.org",
        "foo(bar)",
        "-17.5e3",
        "ALPHA",
        "\n",
        "straße",
    ];
    let mut state = seed;
    (0..60).map(|_| words[next(&mut state) as usize % words.len()]).collect::<Vec<_>>().join(" ")
}

#[memo]
fn dates(seed: u64) -> Vec<String> {
    let regex = Regex::new(r"(?<y>\d{4})-(?<m>\d{2})-(?<d>\d{2})").unwrap();
    let text = text(seed);
    regex
        .captures_iter(&text)
        .map(|found| format!("{}.{}.{}", &found["d"], &found["m"], &found["y"]))
        .collect()
}

#[memo]
fn any_word(seed: u64) -> Vec<(usize, usize)> {
    let regex = Regex::new("alpha|beta|gamma|delta|straße").unwrap();
    regex.find_iter(&text(seed)).map(|found| (found.start(), found.end())).collect()
}

#[memo]
fn literal(seed: u64) -> usize {
    Regex::new("alpha").unwrap().find_iter(&text(seed)).count()
}

#[memo]
fn without_case(seed: u64) -> usize {
    RegexBuilder::new("alpha|ünïcode").case_insensitive(true).build().unwrap().find_iter(&text(seed)).count()
}

#[memo]
fn replaced(seed: u64) -> String {
    let regex = Regex::new(r"(\w+)@(\w+)\.org").unwrap();
    regex.replace_all(&text(seed), |found: &Captures| format!("{} at {}", &found[1], &found[2])).into_owned()
}

#[memo]
fn split(seed: u64) -> Vec<String> {
    Regex::new(r"[\s(),]+").unwrap().split(&text(seed)).map(str::to_owned).collect()
}

#[memo]
fn which(seed: u64) -> Vec<usize> {
    let set = RegexSet::new([r"\bfoo\b", r"^\d", r"(?m)$", r"\p{Lu}{3}", "zzz"]).unwrap();
    set.matches(&text(seed)).into_iter().collect()
}

#[memo]
fn of_bytes(seed: u64) -> Vec<Vec<u8>> {
    let regex = bytes::Regex::new(r"(?-u)[\x80-\xff]+").unwrap();
    regex.find_iter(text(seed).as_bytes()).map(|found| found.as_bytes().to_vec()).collect()
}

#[memo]
fn wrong(seed: u64) -> String {
    let patterns = [r"a(b", r"[z-a]", r"\p{Nope}", r"a{3,1}", r"(?<n>a)(?<n>b)"];
    Regex::new(patterns[seed as usize % patterns.len()]).unwrap_err().to_string()
}

#[memo]
fn lines(seed: u64) -> Vec<String> {
    let regex = RegexBuilder::new(r"^\s*([^ ]+).*?(-?\d+(\.\d+)?(e\d+)?)").multi_line(true).build().unwrap();
    let text = text(seed);
    regex.captures_iter(&text).map(|found| format!("{:?}", found)).collect()
}
