//! Implementations of traits of the standard library, which are called without being named.

use super::{Scenario, replace};

#[test]
fn operators() {
    Scenario::new(
r"
        use std::ops::{Add, AddAssign, Index, Mul, Neg};

        #[derive(Clone, Copy)]
        struct Point(i64, i64);
        struct Grid([i64; 4]);

        impl Add for Point { type Output = Point; fn add(self, b: Point) -> Point { Point(self.0 + b.0, self.1) } }
        impl Mul<i64> for Point { type Output = Point; fn mul(self, b: i64) -> Point { Point(self.0 * b, 5) } }
        impl Neg for Point { type Output = Point; fn neg(self) -> Point { Point(-self.0, self.1) } }
        impl AddAssign<i64> for Point { fn add_assign(&mut self, b: i64) { self.1 += b } }
        impl Index<usize> for Grid { type Output = i64; fn index(&self, at: usize) -> &i64 { &self.0[at] } }

        #[rememo::memo]
        fn walk(x: i64) -> (i64, i64) {
            let mut end = -(Point(x, x) + Point(1, 2)) * 3;
            end += 4;
            (end.0, end.1)
        }

        #[rememo::memo]
        fn cell(at: usize) -> i64 { Grid([2, 3, 5, 7])[at] }
        "
)
        .expect([
            replace("src/main.rs", "self.0 + b.0", "self.0 - b.0").misses(&["walk"]),
            replace("src/main.rs", "self.0 * b, 5", "self.0 * b, 6").misses(&["walk"]),
            replace("src/main.rs", "Point(-self.0", "Point(1 - self.0").misses(&["walk"]),
            replace("src/main.rs", "self.1 += b", "self.1 -= b").misses(&["walk"]),
            replace("src/main.rs", "&self.0[at]", "&self.0[at + 1]").misses(&["cell"]),
        ]);
}

#[test]
fn what_happens_on_drop() {
    Scenario::new(
        r"
        use std::cell::Cell;
        use std::rc::Rc;

        struct Guard(Rc<Cell<u64>>);
        impl Drop for Guard { fn drop(&mut self) { self.0.set(self.0.get() + 7) } }
        fn guard(count: &Rc<Cell<u64>>) -> Guard { Guard(Rc::clone(count)) }

        #[rememo::memo]
        fn counted(x: u64) -> u64 {
            let count = Rc::new(Cell::new(x));
            { let _guard = guard(&count); }
            count.get()
        }
        ",
    )
    .expect([replace("src/main.rs", "+ 7", "+ 8").misses(&["counted"])]);
}

#[test]
fn text_made_by_display() {
    Scenario::new(
        r#"
        use std::fmt;

        struct Price(u64);
        impl fmt::Display for Price {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{} euros", self.0) }
        }
        impl fmt::LowerHex for Price {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "hex {:x}", self.0) }
        }
        fn price(x: u64) -> Price { Price(x) }

        #[rememo::memo]
        fn label(x: u64) -> String { format!("it is {}", price(x)) }

        #[rememo::memo]
        fn inline(x: u64) -> String { let cost = price(x); format!("it is {cost:x}") }
        "#,
    )
    .expect([
        replace("src/main.rs", "{} euros", "{} cents").misses(&["label"]).may_miss(&["inline"]),
        replace("src/main.rs", "hex {:x}", "0x{:x}").misses(&["inline"]).may_miss(&["label"]),
    ]);
}

#[test]
fn an_error_converted_by_a_question_mark() {
    Scenario::new(
        r#"
        enum Wrong { Number(String) }
        impl From<std::num::ParseIntError> for Wrong {
            fn from(error: std::num::ParseIntError) -> Self { Wrong::Number(format!("bad number: {error}")) }
        }
        fn parsed(text: &str) -> Result<u64, Wrong> { Ok(text.parse::<u64>()?) }

        #[rememo::memo]
        fn explain(text: &str) -> String {
            match parsed(text) { Ok(number) => number.to_string(), Err(Wrong::Number(why)) => why }
        }
        "#,
    )
    .expect([replace("src/main.rs", "bad number", "no number").misses(&["explain"])]);
}

#[test]
fn what_a_loop_iterates_over() {
    Scenario::new(
        r"
        struct Countdown(u64);
        impl Iterator for Countdown {
            type Item = u64;
            fn next(&mut self) -> Option<u64> { self.0 = self.0.checked_sub(1)?; Some(self.0 + 7) }
        }
        struct Steps { start: u64 }
        impl IntoIterator for Steps {
            type Item = u64;
            type IntoIter = std::vec::IntoIter<u64>;
            fn into_iter(self) -> Self::IntoIter { vec![self.start, 8].into_iter() }
        }

        fn countdown(from: u64) -> Countdown { Countdown(from) }

        #[rememo::memo]
        fn by_iterator(x: u64) -> u64 { let mut sum = 0; for step in countdown(x) { sum += step } sum }

        #[rememo::memo]
        fn by_into_iterator(x: u64) -> u64 {
            let mut sum = 0;
            for step in (Steps { start: x }) { sum += step }
            sum
        }
        ",
    )
    .expect([
        replace("src/main.rs", "+ 7", "+ 9").misses(&["by_iterator"]),
        replace("src/main.rs", "start, 8", "start, 9").misses(&["by_into_iterator"]),
    ]);
}

#[test]
fn defaults_by_inference_and_in_the_rest_of_a_struct() {
    Scenario::new(
r"
        struct Rates { low: u64, high: u64 }
        impl Default for Rates { fn default() -> Self { Rates { low: 3, high: 7 } } }
        #[derive(Default)]
        struct Limits { level: Level, margin: u64 }
        #[derive(Default)]
        enum Level { #[default] One = 1, Two = 2 }

        fn spread(rates: Rates) -> u64 { rates.high - rates.low }

        #[rememo::memo]
        fn inferred(x: u64) -> u64 { x + spread(Default::default()) }

        #[rememo::memo]
        fn rest(x: u64) -> u64 { spread(Rates { low: 1, ..Default::default() }) + x }

        #[rememo::memo]
        fn derived(x: u64) -> u64 { let Limits { level, margin } = Default::default(); x + level as u64 + margin }
        "
)
        .expect([
            replace("src/main.rs", "high: 7", "high: 8").misses(&["inferred", "rest"]),
            replace("src/main.rs", "low: 3", "low: 2").misses(&["inferred"]).may_miss(&["rest"]),
            replace("src/main.rs", "#[default] One = 1, Two = 2", "One = 1, #[default] Two = 2")
                .misses(&["derived"]),
        ]);
}

#[test]
fn a_dereferenced_wrapper() {
    Scenario::new(
        r"
        struct Wrapper { shown: Vec<u64>, hidden: Vec<u64> }
        impl std::ops::Deref for Wrapper {
            type Target = Vec<u64>;
            fn deref(&self) -> &Vec<u64> { &self.shown }
        }
        fn wrap(x: u64) -> Wrapper { Wrapper { shown: vec![x], hidden: vec![x, x] } }

        #[rememo::memo]
        fn length(x: u64) -> usize { wrap(x).len() }
        ",
    )
    .expect([replace("src/main.rs", "&self.shown", "&self.hidden").misses(&["length"])]);
}

#[test]
fn order_and_equality_of_a_type() {
    Scenario::new(
        r"
        use std::cmp::Ordering;
        #[derive(Eq)]
        struct Card { rank: u64, suit: u64 }
        impl PartialEq for Card { fn eq(&self, b: &Card) -> bool { self.rank == b.rank } }
        impl Ord for Card { fn cmp(&self, b: &Card) -> Ordering { self.suit.cmp(&b.suit) } }
        impl PartialOrd for Card { fn partial_cmp(&self, b: &Card) -> Option<Ordering> { Some(self.cmp(b)) } }

        fn hand(x: u64) -> Vec<Card> {
            vec![Card { rank: x, suit: 9 }, Card { rank: x, suit: 4 }, Card { rank: 1, suit: 4 }]
        }

        #[rememo::memo]
        fn sorted(x: u64) -> Vec<(u64, u64)> {
            let mut cards = hand(x);
            cards.sort();
            cards.iter().map(|card| (card.rank, card.suit)).collect()
        }

        #[rememo::memo]
        fn equal(x: u64) -> bool { let cards = hand(x); cards[0] == cards[1] }
        ",
    )
    .expect([
        replace("src/main.rs", "self.suit.cmp(&b.suit)", "b.rank.cmp(&self.rank)")
            .misses(&["sorted"])
            .may_miss(&["equal"]),
        replace("src/main.rs", "self.rank == b.rank", "self.suit == b.suit")
            .misses(&["equal"])
            .may_miss(&["sorted"]),
    ]);
}

#[test]
fn derived_order_depends_on_the_order_of_fields() {
    Scenario::new(
r"
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
        struct Card {
            rank: u64,
            suit: u64,
        }

        #[rememo::memo]
        fn best(x: u64) -> u64 { [Card { rank: x, suit: 1 }, Card { rank: 1, suit: x }].iter().max().unwrap().rank }
        "
)
        .expect([replace(
            "src/main.rs",
            "rank: u64,\n            suit: u64,",
            "suit: u64,\n            rank: u64,",
        )
        .misses(&["best"])]);
}

#[test]
fn text_parsed_and_values_collected_by_inference() {
    Scenario::new(
r"
        struct Twice(u64);
        impl std::str::FromStr for Twice {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> { Ok(Twice(text.parse::<u64>()? * 2)) }
        }
        struct Bag(u64);
        impl FromIterator<u64> for Bag {
            fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self { Bag(values.into_iter().sum::<u64>() + 7) }
        }
        impl std::iter::Sum for Bag {
            fn sum<I: Iterator<Item = Bag>>(bags: I) -> Self { Bag(bags.map(|bag| bag.0).sum::<u64>() + 9) }
        }
        fn unpack(bag: Bag) -> u64 { bag.0 }
        fn untwice(twice: Twice) -> u64 { twice.0 }

        #[rememo::memo]
        fn parsed(text: &str) -> u64 { untwice(text.parse().unwrap()) }

        #[rememo::memo]
        fn collected(x: u64) -> u64 { unpack((0..x).collect()) }

        #[rememo::memo]
        fn summed(x: u64) -> u64 { unpack((0..x).map(Bag).sum()) }
        "
)
        .expect([
            replace("src/main.rs", "? * 2", "? * 3").misses(&["parsed"]),
            replace("src/main.rs", "+ 7", "+ 8").misses(&["collected"]).may_miss(&["summed"]),
            replace("src/main.rs", "+ 9", "+ 8").misses(&["summed"]).may_miss(&["collected"]),
        ]);
}
