//! Programs made of items with holes: an edit fills one hole otherwise.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::items;

/// A generator of numbers that is the same everywhere (splitmix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len() as u64) as usize]
    }

    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// A piece of an item's text.
#[derive(Clone)]
pub enum Part {
    Text(String),
    /// A number from 1 to the limit.
    Number(u64, u64),
    /// Letters of a text.
    Letters(String),
}

/// What other items may do with an item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `const` or `static` array of numbers, or a slice of one.
    Table,
    /// A `const` array of numbers, of which a slice can be taken, with its length.
    ConstTable(u64),
    /// `fn(u64) -> u64`.
    Function,
}

#[derive(Clone)]
pub struct Item {
    pub name: String,
    pub role: Role,
    pub parts: Vec<Part>,
    pub uses: Vec<usize>,
    /// Whether what it does depends on the line where it stands.
    pub depends_on_lines: bool,
}

/// A program's items, and which of them its functions `f0`, `f1` … call.
pub struct Source {
    items: Vec<Item>,
    entries: Vec<Vec<usize>>,
    order: Vec<usize>,
    /// Lines above all.
    lines: usize,
    extra: Option<u64>,
}

/// A change, and how to undo it.
pub struct Edit {
    pub what: String,
    /// The item that is another now; none if only lines and order are.
    pub item: Option<usize>,
    old: Option<(usize, Part)>,
    order: Vec<usize>,
}

impl Source {
    pub fn generate(random: &mut Random) -> Self {
        let mut items: Vec<Item> = Vec::new();
        for number in 0..14 + random.below(10) as usize {
            let item = items::generate(number, &items, random);
            items.push(item);
        }
        let callable = |items: &[Item]| -> Vec<usize> {
            (0..items.len()).filter(|n| items[*n].role == Role::Function).collect()
        };
        let functions = callable(&items);
        let entries = (0..4 + random.below(4))
            .map(|_| (0..=random.below(3)).map(|_| *random.pick(&functions)).collect())
            .collect();
        Source { order: (0..items.len()).collect(), items, entries, lines: 0, extra: None }
    }

    /// Changes one thing; of half the changes the lines and the order of items, too, and things beside them.
    pub fn edit(&mut self, random: &mut Random) -> Edit {
        let order = self.order.clone();
        let moves = random.coin();
        if moves {
            self.lines = 1 + random.below(5) as usize;
            for at in (1..self.order.len()).rev() {
                self.order.swap(at, random.below(at as u64 + 1) as usize);
            }
            self.extra = Some(random.below(1000));
        }
        if moves && random.below(6) == 0 {
            return Edit { what: "moved".to_owned(), item: None, old: None, order };
        }
        // Each item is as likely, however many holes it has.
        let holes = |item: &Item| -> Vec<usize> {
            (0..item.parts.len()).filter(|part| !matches!(item.parts[*part], Part::Text(_))).collect()
        };
        let items: Vec<usize> =
            (0..self.items.len()).filter(|n| !holes(&self.items[*n]).is_empty()).collect();
        let item = *random.pick(&items);
        let part = *random.pick(&holes(&self.items[item]));
        let hole = &mut self.items[item].parts[part];
        let old = hole.clone();
        match hole {
            Part::Number(value, limit) => *value = (*value + random.below(*limit - 1)) % *limit + 1,
            Part::Letters(text) => {
                let at = random.below(text.len() as u64) as usize;
                let letter = if text.as_bytes()[at] == b'q' { "w" } else { "q" };
                text.replace_range(at..=at, letter);
            }
            Part::Text(_) => unreachable!("no hole"),
        }
        let what = format!("{}, part {part}{}", self.items[item].name, if moves { ", moved" } else { "" });
        Edit { what, item: Some(item), old: Some((part, old)), order }
    }

    pub fn undo(&mut self, edit: Edit) {
        if let (Some(item), Some((part, old))) = (edit.item, edit.old) {
            self.items[item].parts[part] = old;
        }
        self.order = edit.order;
        self.lines = 0;
        self.extra = None;
    }

    /// Whether the function reaches what an edit changed: an item, or lines.
    pub fn reaches(&self, function: &str, edited: Option<usize>) -> bool {
        let number: usize = function[1..].parse().unwrap();
        let mut seen = BTreeSet::new();
        let mut waiting = self.entries[number].clone();
        while let Some(item) = waiting.pop() {
            if seen.insert(item) {
                waiting.extend(&self.items[item].uses);
            }
        }
        let moves = self.lines > 0 && seen.iter().any(|item| self.items[*item].depends_on_lines);
        moves || edited.is_some_and(|edited| seen.contains(&edited))
    }

    pub fn text(&self) -> String {
        let mut text = "\n".repeat(self.lines);
        text += items::PRELUDE;
        for item in self.order.iter().map(|n| &self.items[*n]) {
            for part in &item.parts {
                match part {
                    Part::Text(t) | Part::Letters(t) => text += t,
                    Part::Number(value, _) => write!(text, "{value}").unwrap(),
                }
            }
            text.push('\n');
        }
        if let Some(extra) = self.extra {
            write!(text, "{}", items::extra(extra)).unwrap();
        }
        for (number, calls) in self.entries.iter().enumerate() {
            writeln!(
                text,
                "#[inline(never)] #[unsafe(no_mangle)] pub fn f{number}(x: u64) -> u64 {{ let mut y = x;"
            )
            .unwrap();
            for call in calls {
                writeln!(text, "    y = y.wrapping_mul(31) ^ {}(x % 50 + y % 3);", self.items[*call].name)
                    .unwrap();
            }
            text += "    y }\n";
        }
        text += "#[inline(never)] #[unsafe(no_mangle)] fn call_all(inputs: u64, sums: &mut Vec<u64>) {\n";
        for number in 0..self.entries.len() {
            writeln!(text, "    let mut sum = 0u64; for x in 0..inputs {{ sum = sum.wrapping_mul(1_000_003).wrapping_add(std::hint::black_box(f{number})(std::hint::black_box(x))); }} sums.push(sum);").unwrap();
        }
        if let Some(extra) = self.extra {
            writeln!(text, "    if inputs > 1_000_000 {{ sums.push(extra{extra}(inputs)); }}").unwrap();
        }
        text += "}\n";
        text += items::MAIN;
        text
    }
}
