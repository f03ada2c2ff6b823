//! The attribute macro of `rememo`; use it through that crate, which says what a memoized function is.
//!
//! `#[memo]` works in three steps, each in a module of its own: `attr` reads the options, `check` names what is wrong with
//! the function, `expand` writes the tokens. `reach` makes the fingerprint of the code, for which it reads the sources of
//! the package. Nothing is written.

mod attr;
mod check;
mod duration;
mod entry;
mod errors;
mod expand;
mod reach;
mod settings;

use proc_macro::TokenStream;

/// Makes a function remember what it returned.
///
/// ```text
/// #[memo]
/// fn simulate(seed: u64, config: &Config) -> Outcome { … }
/// ```
///
/// The function keeps its signature. A call takes the value from the current memory if it is there, and otherwise runs
/// the body and keeps what it returns. The key of the value is the name of the function, a fingerprint of its code, its
/// type parameters and its arguments.
///
/// Beside a function `f` there is, under the same name, a struct with associated functions. For a method `f` they are
/// methods with longer names.
///
/// | function | method | |
/// | --- | --- | --- |
/// | `f::delayed(…)` | `self.f_delayed(…)` | a call with these arguments, which has not run yet |
/// | `f::uncached(…)` | `self.f_uncached(…)` | runs the body; neither reads nor writes a cache |
/// | `f::info()` | `Self::f_info()` | the name, place and fingerprint of the function |
///
/// # Options
///
/// Options stand in parentheses, separated by commas, each at most once.
///
/// ## `ignore(a, b)`
///
/// Leaves parameters out of the key. They need not be `Serialize`, and two calls that differ only in them are one call:
/// for what does not change the result, such as verbosity, or the number of threads. A type parameter that only ignored
/// parameters have is left out, too.
///
/// ```text
/// #[memo(ignore(threads))]
/// fn fit(data: &[f64], threads: usize) -> Model { … }
/// ```
///
/// ## `name = "…"`
///
/// Keeps values under this name, instead of the path of the function, so that they are found again when the function
/// has moved to another module. Two functions must not share a name. By default it is crate, modules and function.
///
/// ```text
/// #[memo(name = "shop::price")]
/// fn price(item: &Item) -> f64 { … }
/// ```
///
/// ## `version = 3`
///
/// Joins the key; a number or a string. Change it when the result changes for a reason that the code of the function does
/// not show, such as a file that it reads. There is none by default.
///
/// ```text
/// #[memo(version = "data of 2026-03")]
/// fn census(region: u32) -> Census { … }
/// ```
///
/// ## `track = "reach" | "body" | "none"`
///
/// How much code the fingerprint covers. Under each, comments, docs and layout (most of what rustfmt changes) do not count.
///
/// - `"reach"`, the default: the function and all that it reaches by name. Functions, constants, statics, types with their
///   trait implementations, macros and imports, in the package, in its library and in path dependencies; the files of
///   `include!` and its like, and those that macros of other crates may read; the values of `env!`, the predicates of
///   `cfg`; of other crates version and features. When one name could mean several items, all count. Not covered are types that another crate gives for
///   type parameters or behind `dyn`, names that foreign macros make up, the compiler's version, and what is read at run
///   time. The sources are read once in a run of the compiler.
/// - `"body"`: the attributes, the signature and the body of the function, without what macros put in. Change `version`
///   when something else changes.
/// - `"none"`: no change of the code is seen, only one of `version`.
///
/// ```text
/// #[memo(track = "none", version = 1)]
/// fn digits_of_pi(count: u32) -> String { … }
/// ```
///
/// ## `ttl = "7d"`
///
/// How long a value is good for, counted from when it was computed; for ever by default. A number,
/// whole or decimal, and a unit: `ns`, `us`, `ms`, `s`, `m`, `h`, `d` or `w`. A value that is from
/// the future, by this machine's clock, is not good: its age is not known.
///
/// ```text
/// #[memo(ttl = "1.5h")]
/// fn exchange_rate(currency: &str) -> f64 { … }
/// ```
///
/// ## `valid = path`
///
/// A function that decides whether a value is still good, from what is known of its entry. It must be a
/// `fn(&EntryInfo) -> bool`.
///
/// ```text
/// #[memo(valid = since_midnight)]
/// fn forecast(city: &str) -> Forecast { … }
///
/// fn since_midnight(entry: &rememo::EntryInfo) -> bool { … }
/// ```
///
/// ## `min_cost = "1ms"`
///
/// Values that took less time than this are not kept. Written like a `ttl`; zero by default.
///
/// ```text
/// #[memo(min_cost = "1ms")]
/// fn parse(text: &str) -> Document { … }
/// ```
///
/// ## `compress`, `compress = 3`, `compress = false`
///
/// Stores values compressed with zstd, at this level (1 to 22; `compress` alone is 3), or never, whatever the memory says
/// (`MemoryBuilder::compress`). By default it is as the memory says. The option needs the feature `zstd` of `rememo`;
/// without it, it is a compile error.
///
/// Values under 4 KiB stay as they are, and so do those that would not shrink by a tenth; of a value above 512 KiB a sample
/// of 128 KiB decides. Compressing takes place before the call returns. A hit decompresses; an `Array` is read
/// then, not mapped. Keys do not depend on the option: values that are there are found, whether compressed or not. A
/// program without the feature computes what it finds compressed once more, and stores it as it is.
///
/// ```text
/// #[memo(compress = 9)]
/// fn matches(pattern: &str, texts: &Texts) -> Vec<Match> { … }
/// ```
///
/// ## `cache_err`
///
/// Keeps an `Err`, too. By default only an `Ok` is kept, so that what failed is tried again. (`None` is a value like any
/// other.) The type of the error must then be `Serialize` and `Deserialize`.
///
/// ```text
/// #[memo(cache_err)]
/// fn factor(number: u128) -> Result<Vec<u128>, TooHard> { … }
/// ```
///
/// ## `crate = path`
///
/// Where the library is, if the dependency has another name than `rememo`.
///
/// ```text
/// #[memo(crate = my_prelude::rememo)]
/// fn area(radius: f64) -> f64 { … }
/// ```
///
/// # What it takes
///
/// Free functions, in modules and in the bodies of other functions, and methods with `&self`; generic ones too, with
/// any bounds, lifetimes and const parameters. The function may call itself: inner calls are remembered as well.
///
/// - Parameters, and `self`, must be `Serialize`, unless ignored. They may be references. Each has a name, by which the
///   key, `ignore` and messages call it.
/// - The output must be `Serialize` and `DeserializeOwned`; of a `Result`, the type of `Ok`.
///
/// # What it refuses
///
/// A mistake that can be seen in the function is a compile error where it stands, which says what to do instead. (In an
/// `impl Trait for …`, and on an associated function without `self`, the error is the compiler's: the macro sees the function
/// alone. Move it to a plain `impl`, or out of it.) Refused are
///
/// - what a hit would leave out: `&mut` parameters, `&mut self`, functions without an output type (`-> ()` is taken,
///   for it says so);
/// - arguments without a key that means the same in the next run: hash sets, whose order is random; raw and function
///   pointers, closures, trait objects. Such a parameter can be ignored, if the result does not depend on it;
/// - parameters without a name: patterns, and `impl Trait`, whose type has none;
/// - outputs that borrow, or have no named type: `&str`, `Cow<'_, str>`, `impl Iterator`;
/// - `self` by value, and associated functions without `self`: they belong outside of the impl block;
/// - `async fn`, `const fn`, `unsafe fn` and `extern fn`: memoize a plain function, and call it from there.
///
/// Types are judged as they are spelled. A hash set in a field or behind an alias is not seen: its values are found
/// again only by luck, though never wrong ones.
///
/// # What stays where
///
/// Docs, `must_use` and `deprecated` stay on the function; `cfg` and levels of lints are on everything that is written;
/// any other attribute below this one, such as `inline` or `instrument`, goes to the body, and does not see hits.
/// `expect` becomes `allow`, as the lint may be due on one part only.
#[proc_macro_attribute]
pub fn memo(options: TokenStream, item: TokenStream) -> TokenStream {
    // What the user wrote stays beside the errors, so that its callers are not reported as well.
    match memoize(options.into(), item.clone().into()) {
        Ok(tokens) => tokens.into(),
        Err(errors) => item.into_iter().chain(TokenStream::from(errors.into_compile_error())).collect(),
    }
}

/// Makes `main` of a program able to start worker processes: calls `rememo::init()` first in it.
///
/// ```text
/// #[rememo::main]
/// fn main() -> rememo::Result<()> { … }
/// ```
///
/// Under another attribute that changes `main`, such as that of an async runtime, write `rememo::init()` instead, where it runs
/// before the runtime starts.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    match entry::expand(&options.into(), item.clone().into()) {
        Ok(tokens) => tokens.into(),
        Err(error) => item.into_iter().chain(TokenStream::from(error.into_compile_error())).collect(),
    }
}

fn memoize(
    options: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> syn::Result<proc_macro2::TokenStream> {
    let function = check::function(item)?;
    let options = attr::Options::parse(options)?;
    let memoized = check::Memoized::new(&function, &options)?;
    Ok(expand::expand(&memoized, &options))
}
