//! What the machine code of a function consists of, by name, so that a later build can say what differs.
//! It explains, and decides nothing.
//!
//! Named are functions and statics of the program's crates, of dependencies and of C. What has no
//! such name belongs to what refers to it: constants, vtables, closures, and what the compiler made
//! of the standard library for it. So a list has some dozens of lines and 2 KB. `why` takes the
//! state that the call has an entry of (otherwise the latest), finds the machine code of that state
//! on this platform in the record, and compares its list with that of now. A miss costs nothing
//! more; a new fingerprint costs one small file.

use std::collections::{HashMap, HashSet};

/// The functions and statics of a function's reach, the nearest first; the first is the function itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    pub(super) all: Vec<Piece>,
    /// Whether those that are farthest away are left out.
    pub(super) is_cut: bool,
    /// Functions of the C library that read or change the outside world and that the code can come to, each with the way there.
    pub(super) reads: Vec<(String, String)>,
}

/// A function or static, as people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// With its crate; empty for the function itself.
    pub(super) name: String,
    pub(super) digest: [u8; 8],
    /// The number of a piece that refers to it, on a shortest way from the function.
    pub(super) parent: Option<usize>,
}

/// A function or static that differs between two builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) how: How,
    /// With its crate.
    pub(crate) name: String,
    /// A shortest way from the memoized function, both ends included; the function's own crate is not written.
    pub(crate) way: Vec<String>,
}

/// How a piece differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It is the function's own machine code.
    Itself,
    Differs,
    New,
    Gone,
}

impl Pieces {
    /// What differs from `was` to `now`, the nearest first. `own` is the path of the function.
    pub(super) fn differences(was: &Pieces, now: &Pieces, own: &str) -> Vec<Difference> {
        let (was, now) = (Named::of(was, own), Named::of(now, own));
        let is_cut = was.is_cut || now.is_cut;
        let mut found = Vec::new();
        for name in &now.order {
            match was.digests.get(name) {
                Some(digests) if !differ(digests, &now.digests[name], is_cut) => {}
                Some(_) => found.push((&now, How::Differs, *name)),
                // What only something new leads to goes without saying.
                None if !was.is_cut && was.digests.contains_key(now.before(name)) => {
                    found.push((&now, How::New, *name));
                }
                None => {}
            }
        }
        for name in &was.order {
            let is_gone = !now.is_cut && !now.digests.contains_key(name);
            if is_gone && now.digests.contains_key(was.before(name)) {
                found.push((&was, How::Gone, *name));
            }
        }
        let mut found: Vec<_> =
            found.into_iter().map(|(named, how, name)| named.difference(how, name)).collect();
        found.sort_by_key(|difference| difference.way.len());
        found
    }
}

/// Whether pieces of one name differ. A list that was cut off may lack some of them.
fn differ(was: &[[u8; 8]], now: &[[u8; 8]], is_cut: bool) -> bool {
    let is_within = |some: &[[u8; 8]], all: &[[u8; 8]]| some.iter().all(|digest| all.contains(digest));
    was != now && !(is_cut && (is_within(was, now) || is_within(now, was)))
}

/// The pieces of a list by name: instances of a generic function, and closures, have the name of their function.
struct Named<'a> {
    pieces: &'a Pieces,
    own: &'a str,
    is_cut: bool,
    /// Of the pieces of each name, sorted.
    digests: HashMap<&'a str, Vec<[u8; 8]>>,
    /// The nearest of each name.
    first: HashMap<&'a str, usize>,
    order: Vec<&'a str>,
}

impl<'a> Named<'a> {
    fn of(pieces: &'a Pieces, own: &'a str) -> Self {
        let is_cut = pieces.is_cut;
        let (digests, first, order) = (HashMap::<_, Vec<_>>::new(), HashMap::new(), Vec::new());
        let mut named = Named { pieces, own, is_cut, digests, first, order };
        for (number, piece) in pieces.all.iter().enumerate() {
            let name = named.name(number);
            named.digests.entry(name).or_default().push(piece.digest);
            if !named.first.contains_key(name) {
                named.first.insert(name, number);
                named.order.push(name);
            }
        }
        named.digests.values_mut().for_each(|digests| digests.sort_unstable());
        named
    }

    /// The name of a piece; the path of the function, if it is a part of the function itself.
    fn name(&self, number: usize) -> &'a str {
        let Piece { name, parent, .. } = &self.pieces.all[number];
        let ends = |path: &'a str| (path.split("::").next(), path.rsplit("::").next());
        // In a body, the function has the name of what is around it in its path, too.
        let is_own = name.is_empty() || *parent == Some(0) && ends(name) == ends(self.own);
        if is_own { self.own } else { name }
    }

    /// The names on the way to the nearest piece of a name, from there on.
    fn back(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let first = Some(self.first[name]);
        let mut met = HashSet::new();
        let numbers = std::iter::successors(first, |number| self.pieces.all[*number].parent);
        numbers.map(|number| self.name(number)).filter(move |name| met.insert(*name))
    }

    /// What leads to the nearest piece of a name.
    fn before(&self, name: &'a str) -> &'a str {
        self.back(name).nth(1).unwrap_or(self.own)
    }

    fn difference(&self, how: How, name: &'a str) -> Difference {
        let how = if name == self.own { How::Itself } else { how };
        let of = self.own.split("::").next().unwrap_or_default();
        let mut way: Vec<_> = self.back(name).map(|name| without_crate(name, of)).collect();
        way.reverse();
        Difference { how, name: name.to_owned(), way }
    }
}

/// `grid::step` for `shop::grid::step`.
fn without_crate(name: &str, of: &str) -> String {
    let (start, path) = name.strip_prefix('<').map_or(("", name), |path| ("<", path));
    let rest = path.strip_prefix(of).and_then(|rest| rest.strip_prefix("::"));
    format!("{start}{}", rest.unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of `name digest parent`, for the function `shop::price`.
    fn pieces(lines: &[(&str, u8, usize)]) -> Pieces {
        let piece = |(number, (name, digest, parent)): (usize, &(&str, u8, usize))| Piece {
            name: (*name).to_owned(),
            digest: [*digest; 8],
            parent: (number > 0).then_some(*parent),
        };
        Pieces { all: lines.iter().enumerate().map(piece).collect(), ..Pieces::default() }
    }

    #[track_caller]
    fn expect(was: &Pieces, now: &Pieces, expected: &[&str]) {
        let found = Pieces::differences(was, now, "shop::price");
        let found: Vec<_> =
            found.iter().map(|it| format!("{} {:?} {}", it.name, it.how, it.way.join(" > "))).collect();
        assert_eq!(found, expected);
    }

    const WAS: [(&str, u8, usize); 6] = [
        ("", 1, 0),
        ("shop::price", 1, 0),
        ("shop::tax", 1, 1),
        ("geo::area", 1, 2),
        ("geo::side", 1, 3),
        ("scale", 1, 1),
    ];

    #[test]
    fn what_differs_is_told_with_the_way_to_it_the_nearest_first() {
        let was = pieces(&WAS);
        expect(&was, &was, &[]);
        let mut now = WAS;
        now[4].1 = 2;
        now[5].1 = 2;
        expect(
            &was,
            &pieces(&now),
            &["scale Differs price > scale", "geo::side Differs price > tax > geo::area > geo::side"],
        );
        now = WAS;
        now[1].1 = 2;
        expect(&was, &pieces(&now), &["shop::price Itself price"]);
    }

    #[test]
    fn of_what_is_new_or_gone_the_first_on_the_way_is_told() {
        let (was, now) = (pieces(&WAS), pieces(&[WAS[0], WAS[1], ("shop::tax", 2, 1), WAS[5]]));
        expect(&was, &now, &["shop::tax Differs price > tax", "geo::area Gone price > tax > geo::area"]);
        expect(&now, &was, &["shop::tax Differs price > tax", "geo::area New price > tax > geo::area"]);
        // Who knows what is left out?
        let cut = Pieces { is_cut: true, ..now };
        expect(&was, &cut, &["shop::tax Differs price > tax"]);
        expect(&cut, &was, &["shop::tax Differs price > tax"]);
    }

    /// In another order, since another instance is nearer now.
    #[test]
    fn pieces_of_one_name_are_compared_together() {
        let was = pieces(&[("", 1, 0), ("shop::sum", 1, 0), ("shop::sum", 2, 1)]);
        expect(&was, &pieces(&[("", 1, 0), ("shop::sum", 2, 0), ("shop::sum", 1, 1)]), &[]);
        let now = pieces(&[("", 1, 0), ("shop::sum", 2, 0), ("shop::sum", 3, 1)]);
        expect(&was, &now, &["shop::sum Differs price > sum"]);
        // The other one may be behind the cut.
        let now = pieces(&[("", 1, 0), ("shop::sum", 2, 0)]);
        expect(&was, &now, &["shop::sum Differs price > sum"]);
        expect(&was, &Pieces { is_cut: true, ..now }, &[]);
    }

    #[test]
    fn ways_are_without_the_own_crate() {
        assert_eq!(without_crate("shop::grid::step", "shop"), "grid::step");
        assert_eq!(without_crate("<shop::Square as Shape>::area", "shop"), "<Square as Shape>::area");
        assert_eq!(without_crate("shopping::step", "shop"), "shopping::step");
        assert_eq!(without_crate("scale", ""), "scale");
    }
}
