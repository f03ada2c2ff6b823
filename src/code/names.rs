//! What the name of a symbol tells: of which crate it is, and what a person calls it.

use super::usage::ARGUMENTS;

/// The crates of the standard library.
const STANDARD: [&str; 3] = ["core", "alloc", "std"];

/// Code and statics that count by name only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Boundary {
    /// Crates.
    pub crates: &'static [&'static str],
    /// Paths in them whose code counts all the same.
    pub followed: &'static [&'static str],
    /// Parts of the names of statics and functions, in any crate.
    pub items: &'static [&'static str],
}

impl Boundary {
    /// This library, but for what writes and reads values and arguments: that code is made for their types,
    /// and leads to what programs say about them.
    pub const OF_THIS: Boundary = Boundary {
        crates: &["rememo"],
        followed: &[
            "rememo::codec::of_serde",
            "rememo::codec::positional",
            "rememo::codec::select",
            "rememo::codec::values",
            "rememo::key::arguments::encode",
            "rememo::key::encode",
        ],
        // The second is called by a worker process alone: what runs before `main` registers it, and leads to all that
        // the function does.
        items: &["__REMEMO_FUNCTION", "__rememo_serve"],
    };

    /// Whether the code or static of this name is behind it.
    pub(super) fn holds(&self, name: &str) -> bool {
        let is_of = || crate_of(name).is_some_and(|of| self.crates.contains(&of));
        let is_followed = || {
            let readable = readable(name);
            let path = readable.trim_start_matches(['<', '&']).trim_start_matches("mut ");
            self.followed.iter().any(|followed| path.starts_with(followed))
        };
        is_of() && !is_followed() || self.items.iter().any(|&it| name.contains(it))
    }
}

/// The crate that holds the code or data of this name; `None` if the name does not tell.
///
/// Of an implementation it is where the `impl` must stand: with the type, or else with the trait.
pub(super) fn crate_of(name: &str) -> Option<&str> {
    if let Some(path) = name.strip_prefix("_R") {
        return crate_of_path(path.as_bytes()).and_then(|(at, length)| path.get(at..at + length));
    }
    let path = name.strip_prefix("_ZN")?;
    let (first, _) = component(path)?;
    let Some(of_impl) = first.strip_prefix("_$LT$").or_else(|| first.strip_prefix("$LT$")) else {
        return (!first.contains('$')).then_some(first);
    };
    let (kind, trait_of) = of_impl.split_once("$u20$as$u20$").unwrap_or((of_impl, ""));
    let of_type = leading_crate(kind);
    let of_trait = leading_crate(trait_of);
    match (of_type, of_trait) {
        (Some(of_type), Some(of_trait)) if is_standard(of_type) => Some(of_trait),
        (None, of_trait) => of_trait,
        (of_type, _) => of_type,
    }
}

/// Whether a function of this name panics, and does nothing else with what it is given in the register.
pub(super) fn panics_with(name: &str, register: u8) -> bool {
    let is_of = |of, path| crate_of(name) == Some(of) && name.contains(path);
    // A message of any type, and the place. If it is there, it is no part of a message of two registers.
    let is_behind_message = || is_of("std", "9panicking11begin_panic") && register == ARGUMENTS[2];
    is_of("core", "4core9panicking") || is_behind_message()
}

/// Functions of the C library that much code leads to, and how many arguments they take.
const OF_C: [(&str, usize); 9] = [
    ("memcpy", 3),
    ("memmove", 3),
    ("memset", 3),
    ("memcmp", 3),
    ("bcmp", 3),
    ("malloc", 1),
    ("free", 1),
    ("realloc", 2),
    ("_Unwind_Resume", 1),
];

/// Whether the C function of this name takes fewer arguments than would be in the register.
pub(super) fn is_behind_arguments(name: &str, register: u8) -> bool {
    let (name, _library) = name.split_once('@').unwrap_or((name, ""));
    let taken = OF_C.iter().find(|(known, _)| *known == name).map(|(_, count)| &ARGUMENTS[..*count]);
    taken.is_some_and(|taken| !taken.contains(&register))
}

/// Whether it is the operator `[]`, which returns a reference and nothing that it was given.
pub(super) fn is_index(name: &str) -> bool {
    let name = readable(name);
    name.contains("core::ops::index::Index") && (name.ends_with("::index") || name.ends_with("::index_mut"))
}

/// Whether it checks what callers of an unsafe function promise, and returns nothing.
pub(super) fn is_check(name: &str) -> bool {
    name.contains("18precondition_check")
}

pub(super) fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name)
}

/// The way into a panic: what lies behind it is no part of what a function returns.
pub(super) fn is_panic(name: &str) -> bool {
    crate_of(name).is_some_and(is_standard) && name.contains("9panicking")
        || name.contains("rust_begin_unwind")
        || name.contains("rust_panic")
}

/// As a person writes it, without the hash at its end.
pub(super) fn readable(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// The path that a type's name begins with: `geo..Point` behind references, pointers and slices.
fn leading_crate(mut name: &str) -> Option<&str> {
    const WRAPPERS: [&str; 9] =
        ["$RF$", "$BP$", "mut$u20$", "const$u20$", "dyn$u20$", "$u5b$", "$LP$", "_", "$u20$"];
    while let Some(rest) = WRAPPERS.iter().find_map(|wrapper| name.strip_prefix(wrapper)) {
        name = rest;
    }
    let (path, _) = name.split_once("..")?;
    let is_name = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && !path.is_empty()).then_some(path)
}

/// One length and text of an old name.
fn component(path: &str) -> Option<(&str, &str)> {
    let digits = path.bytes().take_while(u8::is_ascii_digit).count();
    let length: usize = path[..digits].parse().ok()?;
    let rest = &path[digits..];
    Some((rest.get(..length)?, rest.get(length..)?))
}

/// Where the name of the crate is in a path of the new names: `C`, a disambiguator, the name.
fn crate_of_path(path: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        match *path.get(at)? {
            b'N' => at += 2,
            b'I' => at += 1,
            b'M' | b'X' => at = skip_disambiguator(path, at + 1)?,
            b'C' => {
                at = skip_disambiguator(path, at + 1)?;
                let digits = path.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let length = std::str::from_utf8(&path[at..at + digits]).ok()?.parse().ok()?;
                at += digits;
                if path.get(at) == Some(&b'_') {
                    at += 1;
                }
                return Some((at, length));
            }
            // A method that a trait gives to a type: the trait's path comes last, and is not looked for.
            _ => return None,
        }
    }
}

fn skip_disambiguator(path: &[u8], at: usize) -> Option<usize> {
    if path.get(at) != Some(&b's') {
        return Some(at);
    }
    let end = path.get(at..)?.iter().position(|byte| *byte == b'_')?;
    Some(at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_of_a_name_is_where_its_code_stands() {
        let of = |name| crate_of(name).unwrap_or("none");
        assert_eq!(of("_ZN4tmpl1g17ha52a6a0fe7a53feeE"), "tmpl");
        assert_eq!(of("_ZN44_$LT$$RF$T$u20$as$u20$core..fmt..Display$GT$3fmt17h5d3416c998754f20E"), "core");
        assert_eq!(
            of("_ZN50_$LT$geo..Point$u20$as$u20$core..fmt..Display$GT$3fmt17h5d3416c998754f20E"),
            "geo"
        );
        assert_eq!(
            of(
                "_ZN60_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$rememo..key..Canonical$GT$3key17h5d3416c998754f20E"
            ),
            "rememo"
        );
        assert_eq!(of("_RNvNtCsjrHSEGnQ3l9_3std2rt19lang_start_internal"), "std");
        assert_eq!(of("_RNvMsi_NtNtNtCsjrHSEGnQ3l9_3std3sys2fs4unixNtB5_4File6open_c"), "std");
        assert_eq!(of("_RINvNtCs4X4t9plMPHF_9addr2line4line11render_fileE"), "addr2line");
        assert_eq!(of("main"), "none");
        assert_eq!(of("_ZN"), "none");
        assert_eq!(of("_ZN99999999999999999999x"), "none");
    }

    #[test]
    fn functions_of_c_do_not_see_what_is_behind_their_arguments() {
        assert!(is_behind_arguments("memcpy", ARGUMENTS[3]));
        assert!(is_behind_arguments("memcpy@libc.so.6", ARGUMENTS[3]));
        assert!(!is_behind_arguments("memcpy", ARGUMENTS[2]));
        assert!(!is_behind_arguments("printf", ARGUMENTS[5]));
    }

    #[test]
    fn the_index_operator_is_known_by_its_name() {
        assert!(is_index(
            "_ZN109_$LT$alloc..collections..vec_deque..VecDeque$LT$T$C$A$GT$$u20$as$u20$core..ops..index..Index$LT$usize$GT$$GT$5index17h74eb913206631969E"
        ));
        assert!(!is_index("_ZN4core3ops5index5Index5other17h74eb913206631969E"));
    }

    #[test]
    fn panics_are_known_to_do_nothing_else_with_a_place() {
        let [first, _, third, ..] = ARGUMENTS;
        assert!(panics_with("_ZN4core9panicking9panic_fmt17h5d3416c998754f20E", first));
        assert!(panics_with("_RNvNtCsjrHSEGnQ3l9_4core9panicking9panic_fmt", first));
        let begin_panic = "_ZN3std9panicking11begin_panic17h5d3416c998754f20E";
        assert!(panics_with(begin_panic, third));
        assert!(!panics_with(begin_panic, first), "the message may be a place");
        for other in [
            "_ZN5alloc3vec16Vec$LT$T$C$A$GT$4push17h5d3416c998754f20E",
            "_ZN4core5panic8location8Location6caller17h5d3416c998754f20E",
            "_ZN4user9panicking5panic17h5d3416c998754f20E",
        ] {
            assert!(!panics_with(other, third), "{other}");
        }
    }

    #[test]
    fn names_are_read_without_their_hashes() {
        assert_eq!(readable("_ZN4tmpl1g17ha52a6a0fe7a53feeE"), "tmpl::g");
        assert_eq!(
            readable("_RNvNtCsjrHSEGnQ3l9_3std2rt19lang_start_internal"),
            "std::rt::lang_start_internal"
        );
        assert_eq!(readable("memcpy"), "memcpy");
    }
}
