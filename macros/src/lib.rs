//! The attribute macro of `rememo`; use it through that crate, which says what a memoized function is.
//!
//! `#[memo]` works in three steps, each in a module of its own: `attr` reads the options, `check` names what is wrong with
//! the function, `expand` writes the tokens. `reach` makes the fingerprint of the code, for which it reads the sources of
//! the package. Nothing is written.
//!
//! There is no `memo!(|x| …)` for closures: a crate cannot export an attribute and a function-like
//! macro under one name. Name a function, or use `get_or_compute`.

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
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, memo};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Config {
///     steps: u32,
/// }
///
/// #[memo]
/// fn simulate(seed: u64, config: &Config) -> u64 {
///     (0..config.steps).fold(seed, |state, step| state.rotate_left(step) ^ 31)
/// }
///
/// let memory = Memory::open(dir.path())?;
/// let config = Config { steps: 3 };
/// let value = memory.call(simulate::delayed(7, &config));
/// assert_eq!(value, simulate::uncached(7, &config));
/// assert!(memory.call_info(simulate::delayed(7, &config)).is_hit());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The function keeps its signature. A call takes the value from the current memory if it is there, and otherwise runs
/// the body and keeps what it returns. The key of the value is the name of the function, a fingerprint of its code, its
/// type parameters and its arguments.
///
/// Beside a function `f` there is, under the same name, a struct with associated functions. In an `impl` block they
/// stand beside `f` under longer names.
///
/// | function | method | without receiver | |
/// | --- | --- | --- | --- |
/// | `f::delayed(…)` | `self.f_delayed(…)` | `Self::f_delayed(…)` | a call that has not run yet |
/// | `f::uncached(…)` | `self.f_uncached(…)` | `Self::f_uncached(…)` | runs the body, without a cache |
/// | `f::info()` | `Self::f_info()` | `Self::f_info()` | name, place and fingerprint |
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
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, memo};
///
/// #[memo(ignore(threads))]
/// fn mean(data: &[f64], threads: usize) -> f64 {
///     data.iter().sum::<f64>() / data.len() as f64
/// }
///
/// let memory = Memory::open(dir.path())?;
/// memory.call(mean::delayed(&[1.0, 2.0], 1));
/// assert!(memory.contains(&mean::delayed(&[1.0, 2.0], 8)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ## `name = "…"`
///
/// Keeps values under this name, instead of the path of the function, so that they are found again when the function
/// has moved to another module. Two functions must not share a name. By default it is crate, modules and function.
///
/// ```
/// use rememo::memo;
///
/// #[memo(name = "shop::price")]
/// fn price(item: &str) -> f64 {
///     item.len() as f64
/// }
///
/// assert_eq!(price::info().name(), "shop::price");
/// ```
///
/// ## `version = 3`
///
/// Joins the key; a number or a string. Change it when the result changes for a reason that the code of the function does
/// not show, such as a file that it reads. There is none by default.
///
/// ```
/// use rememo::memo;
///
/// #[memo(version = "data of 2026-03")]
/// fn census(region: u32) -> Vec<u32> {
///     vec![region; 3]
/// }
///
/// assert_eq!(census::info().version(), "data of 2026-03");
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
/// ```
/// use rememo::memo;
///
/// #[memo(track = "none", version = 1)]
/// fn digits_of_pi(count: usize) -> String {
///     format!("{:.count$}", std::f64::consts::PI)
/// }
///
/// let code = digits_of_pi::info().code();
/// assert!(code.machine().is_err(), "machine code does not count");
/// ```
///
/// ## `ttl = "7d"`
///
/// How long a value is good for, counted from when it was computed; for ever by default. A number,
/// whole or decimal, and a unit: `ns`, `us`, `ms`, `s`, `m`, `h`, `d` or `w`. A value that is from
/// the future, by this machine's clock, is not good: its age is not known.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, memo};
///
/// #[memo(ttl = "1.5h")]
/// fn exchange_rate(currency: &str) -> f64 {
///     if currency == "EUR" { 1.0 } else { 1.07 }
/// }
///
/// let memory = Memory::open(dir.path())?;
/// memory.call(exchange_rate::delayed("EUR"));
/// assert!(memory.contains(&exchange_rate::delayed("EUR"))); // for an hour and a half
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ## `valid = path`
///
/// A function that decides whether a value is still good, from what is known of its entry. It must be a
/// `fn(&EntryInfo) -> bool`.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use std::time::Duration;
///
/// use rememo::{EntryInfo, Memory, memo};
///
/// #[memo(valid = was_slow)]
/// fn forecast(city: &str) -> usize {
///     city.len()
/// }
///
/// fn was_slow(entry: &EntryInfo) -> bool {
///     entry.compute_time() > Duration::from_secs(60)
/// }
///
/// let memory = Memory::open(dir.path())?;
/// memory.call(forecast::delayed("Oslo"));
/// assert!(!memory.contains(&forecast::delayed("Oslo"))); // it took less than a minute
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ## `min_cost = "1ms"`
///
/// Values that took less time than this are not kept. Written like a `ttl`; zero by default.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, memo};
///
/// #[memo(min_cost = "1m")]
/// fn words(text: &str) -> usize {
///     text.split_whitespace().count()
/// }
///
/// let memory = Memory::open(dir.path())?;
/// assert_eq!(memory.call(words::delayed("not worth a file")), 4);
/// assert!(!memory.contains(&words::delayed("not worth a file")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
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
/// The documentation of `rememo::memo` has an example where the feature is on.
///
/// ## `pure`
///
/// Makes it an error at the function if its source is seen to read or change the outside world: variables of the environment,
/// files, the network, other processes, the clock, random numbers, statics that change, functions of `extern` blocks. Each is
/// named, with its place and the way to it. Without `pure` they are told by `f::info().reads()`, which says what is followed.
///
/// ```text
/// error: `seconds` is under `pure`, and its result may depend on more than its arguments and its code: …
///          `std::time::SystemTime::now` at src/clock.rs:5, by seconds → clock::since_epoch
/// ```
///
/// ```
/// use rememo::memo;
///
/// #[memo(pure)]
/// fn circle(radius: f64) -> f64 {
///     std::f64::consts::PI * radius * radius
/// }
///
/// assert_eq!(circle::info().reads().count(), 0);
/// ```
///
/// ## `cache_err`
///
/// Keeps an `Err`, too. By default only an `Ok` is kept, so that what failed is tried again. (`None` is a value like any
/// other.) The type of the error must then be `Serialize` and `Deserialize`.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use rememo::{Memory, memo};
///
/// #[memo(cache_err)]
/// fn half(number: u32) -> Result<u32, String> {
///     if number % 2 == 0 { Ok(number / 2) } else { Err(format!("{number} is odd")) }
/// }
///
/// let memory = Memory::open(dir.path())?;
/// assert!(memory.call(half::delayed(7)).is_err());
/// assert!(memory.call_info(half::delayed(7)).is_hit());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ## `associated`
///
/// Says that the function stands in an `impl` block. It is needed only where a macro writes the block, and
/// neither `self` nor `Self` occurs in the function: elsewhere the source shows it.
///
/// ```
/// use rememo::{Memory, memo};
///
/// macro_rules! shapes {
///     ($($name:ident $sides:literal)*) => { $(
///         struct $name;
///
///         impl $name {
///             #[memo(associated)]
///             fn angles(turns: u64) -> u64 {
///                 turns * ($sides - 2) * 180
///             }
///         }
///     )* };
/// }
///
/// shapes!(Triangle 3 Square 4);
///
/// # fn main() -> rememo::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// let memory = Memory::open(dir.path())?;
/// assert_eq!(memory.call(Triangle::angles_delayed(1)), 180);
/// assert_eq!(memory.call(Square::angles_delayed(1)), 360);
/// # Ok(())
/// # }
/// ```
///
/// ## `crate = path`
///
/// Where the library is, if the dependency has another name than `rememo`.
///
/// ```
/// mod my_prelude {
///     pub use rememo;
/// }
///
/// use my_prelude::rememo::memo;
///
/// #[memo(crate = my_prelude::rememo)]
/// fn area(radius: f64) -> f64 {
///     3.0 * radius * radius
/// }
///
/// # fn main() {
/// assert_eq!(area::uncached(2.0), 12.0);
/// # }
/// ```
///
/// # What it takes
///
/// Free functions, in modules and in the bodies of other functions, and functions in `impl` blocks, with `&self` or
/// without a receiver; generic ones too, with any bounds, lifetimes and const parameters. The function may call itself:
/// inner calls are remembered as well.
///
/// Whether a function without a receiver stands in an `impl` block, the macro reads in the source file. In an editor, or
/// where a macro wrote the function, it sees that only if `Self` occurs, or the option `associated`. `Self` is a part of
/// the key, as type parameters are.
///
/// - Parameters, and `self`, must be `Serialize`, unless ignored. They may be references. Each has a name, by which the
///   key, `ignore` and messages call it.
/// - The output must be `Serialize` and `DeserializeOwned`; of a `Result`, the type of `Ok`.
///
/// # What it refuses
///
/// A mistake that can be seen in the function is a compile error where it stands, which says what to do instead. Refused are
///
/// - what a hit would leave out: `&mut` parameters, `&mut self`, functions without an output type (`-> ()` is taken,
///   for it says so);
/// - arguments without a key that means the same in the next run: hash sets, whose order is random; raw and function
///   pointers, closures, trait objects. Such a parameter can be ignored, if the result does not depend on it;
/// - parameters without a name: patterns, and `impl Trait`, whose type has none;
/// - outputs that borrow, or have no named type: `&str`, `Cow<'_, str>`, `impl Iterator`;
/// - `self` by value;
/// - functions in an `impl Trait for …`, which has no room for the calls, and in traits, where they would be others for
///   each type: memoize a function in an `impl` block of the type, or a free one, and call it there;
/// - names of primitive types; names of crates, if code in the same module uses the crate under that name. The struct
///   would be meant in their place. `::name` is the crate in any case;
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
///
/// What is written passes lints that are forbidden, those of clippy's group `pedantic` too, and those of `nursery` where
/// they are denied, if the function does so without the attribute. In an `impl` block where `dead_code` is forbidden, a memoized function that nothing uses
/// hides that others are unused.
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
/// ```
/// use rememo::{Executor, Parallel, memo};
///
/// #[memo]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[rememo::main]
/// fn main() -> rememo::Result<()> {
///     let memory = rememo::Memory::disabled();
///     let parallel = Parallel::new().memory(&memory).executor(Executor::processes());
///     assert_eq!(parallel.run((0..4).map(square::delayed))?, [0, 1, 4, 9]);
///     Ok(())
/// }
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
    let memoized = check::Memoized::new(&function, reach::standing(&function), &options)?;
    Ok(expand::expand(&memoized, &options))
}
