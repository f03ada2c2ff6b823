//! Step one: the options of `#[memo(…)]`.
//!
//! Each option is written in one way, which the table [`OPTIONS`] shows and every error message repeats. All mistakes
//! in the list are reported at once, each at its own place.

use std::ops::RangeInclusive;
use std::time::Duration;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Lit, LitStr, Path, Token};

use crate::duration;
use crate::errors::Errors;
use crate::reach::Track;

/// Every option: its name, and how it is written.
const OPTIONS: [(&str, &str); 12] = [
    ("ignore", "ignore(a, b)"),
    ("name", "name = \"…\""),
    ("version", "version = 3"),
    ("track", "track = \"body\""),
    ("ttl", "ttl = \"7d\""),
    ("valid", "valid = path::to::function"),
    ("min_cost", "min_cost = \"1ms\""),
    ("compress", "compress = 3"),
    ("cache_err", "cache_err"),
    ("pure", "pure"),
    ("associated", "associated"),
    ("crate", "crate = path::to::rememo"),
];

/// What the options say; the default is what they say when there are none.
#[cfg_attr(test, derive(Debug))]
#[derive(Default)]
pub(crate) struct Options {
    /// Parameters left out of the key, as written; step two checks them against the signature.
    pub(crate) ignore: Vec<Ident>,
    pub(crate) name: Option<String>,
    /// The salt as text, empty without.
    pub(crate) version: String,
    pub(crate) track: Track,
    pub(crate) ttl: Option<Duration>,
    pub(crate) valid: Option<Path>,
    pub(crate) min_cost: Duration,
    pub(crate) compress: Compress,
    pub(crate) cache_err: bool,
    /// Where it is said that the function reads and changes nothing of the outside world, if it is.
    pub(crate) pure: Option<Span>,
    /// Where it is said that the function stands in an impl block, if it is.
    pub(crate) associated: Option<Span>,
    /// Where the library is, if not at `::rememo`.
    pub(crate) library: Option<Path>,
}

/// Whether values are compressed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Compress {
    /// As the memory says.
    #[default]
    AsMemory,
    Never,
    /// At this level, which is written there.
    At(i32, Span),
}

/// The levels of zstd; its negative ones are not offered.
const LEVELS: RangeInclusive<i32> = 1..=22;

/// The level of `compress` alone: zstd's own default.
const DEFAULT_LEVEL: i32 = 3;

impl Options {
    /// Parses what stands between the parentheses of `#[memo(…)]`.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Options::default();
        let mut errors = Errors::default();
        let mut seen = Vec::new();
        for written in split(tokens) {
            let result = Written::new(&written).and_then(|written| {
                let name = written.name.unraw().to_string();
                if seen.contains(&name) {
                    return Err(Error::new(
                        written.name.span(),
                        format!("`{name}` is given twice: keep one"),
                    ));
                }
                options.set(&name, &written)?;
                seen.push(name);
                Ok(())
            });
            errors.take(result);
        }
        if let Some(span) = options.pure.filter(|_| options.track != Track::Reach) {
            let message = "`pure` looks at all that the function reaches: take it or `track` away";
            errors.push(Error::new(span, message));
        }
        errors.or(options)
    }

    fn set(&mut self, name: &str, written: &Written) -> syn::Result<()> {
        match name {
            "ignore" => self.ignore = written.names()?,
            "name" => self.name = Some(written.text()?.value()),
            "version" => self.version = written.version()?,
            "track" => self.track = written.track()?,
            "ttl" => {
                let (ttl, literal) = written.duration()?;
                if ttl.is_zero() {
                    let message =
                        "a `ttl` of zero expires before it is read: write a longer one, or drop `#[memo]`";
                    return Err(Error::new(literal.span(), message));
                }
                self.ttl = Some(ttl);
            }
            "valid" => self.valid = Some(written.path()?),
            "min_cost" => self.min_cost = written.duration()?.0,
            "compress" => self.compress = written.compress()?,
            "cache_err" => {
                written.alone()?;
                self.cache_err = true;
            }
            "pure" => {
                written.alone()?;
                self.pure = Some(written.name.span());
            }
            "associated" => {
                written.alone()?;
                self.associated = Some(written.name.span());
            }
            "crate" => self.library = Some(written.path()?),
            _ => {
                let known = OPTIONS.map(|(name, _)| format!("`{name}`")).join(", ");
                let message = format!("unknown option `{name}`: the options are {known}");
                return Err(Error::new(written.name.span(), message));
            }
        }
        Ok(())
    }
}

/// Splits at the commas between options; those inside `ignore(a, b)` are inside a group of their own.
fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut options = vec![Vec::new()];
    for token in tokens {
        match (&token, options.last_mut()) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => options.push(Vec::new()),
            (_, Some(option)) => option.push(token),
            (_, None) => {}
        }
    }
    // Nothing stands after a trailing comma, or between the parentheses of `#[memo()]`.
    if options.last().is_some_and(Vec::is_empty) {
        options.pop();
    }
    options
}

/// One option as written: its name and the tokens after it.
struct Written<'a> {
    name: &'a Ident,
    rest: &'a [TokenTree],
}

impl<'a> Written<'a> {
    fn new(tokens: &'a [TokenTree]) -> syn::Result<Self> {
        match tokens {
            [TokenTree::Ident(name), rest @ ..] => Ok(Written { name, rest }),
            [other, ..] => {
                Err(Error::new(other.span(), "expected the name of an option, such as `version = 3`"))
            }
            [] => Err(Error::new(Span::call_site(), "expected an option between two commas")),
        }
    }

    /// An error at the value, or at the name if there is none, which says how the option is written.
    fn malformed(&self) -> Error {
        let name = self.name.unraw();
        let form = OPTIONS.iter().find(|(known, _)| name == known).map_or("", |(_, form)| form);
        let message = format!("the option `{name}` is written `{form}`");
        match self.rest {
            [] => Error::new(self.name.span(), message),
            [TokenTree::Punct(equals), value, ..] if equals.as_char() == '=' => {
                Error::new(value.span(), message)
            }
            [other, ..] => Error::new(other.span(), message),
        }
    }

    fn alone(&self) -> syn::Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    /// The tokens after `=`.
    fn value(&self) -> syn::Result<TokenStream> {
        match self.rest {
            [TokenTree::Punct(equals), value @ ..] if equals.as_char() == '=' && !value.is_empty() => {
                Ok(value.iter().cloned().collect())
            }
            _ => Err(self.malformed()),
        }
    }

    fn literal(&self) -> syn::Result<Lit> {
        syn::parse2(self.value()?).map_err(|_| self.malformed())
    }

    /// A string that is not empty.
    fn text(&self) -> syn::Result<LitStr> {
        match self.literal()? {
            Lit::Str(text) if text.value().is_empty() => {
                let message = format!("the option `{}` must not be empty", self.name);
                Err(Error::new(text.span(), message))
            }
            Lit::Str(text) if text.suffix().is_empty() => Ok(text),
            _ => Err(self.malformed()),
        }
    }

    fn version(&self) -> syn::Result<String> {
        match self.literal()? {
            Lit::Int(number) if number.suffix().is_empty() && !number.base10_digits().starts_with('-') => {
                Ok(number.base10_digits().to_owned())
            }
            Lit::Str(_) => self.text().map(|text| text.value()),
            _ => Err(self.malformed()),
        }
    }

    fn track(&self) -> syn::Result<Track> {
        let text = self.text()?;
        let message = match text.value().as_str() {
            "body" => return Ok(Track::Body),
            "none" => return Ok(Track::None),
            "reach" => return Ok(Track::Reach),
            other => {
                format!("unknown `track = \"{other}\"`: write `\"reach\"`, `\"body\"` or `\"none\"`")
            }
        };
        Err(Error::new(text.span(), message))
    }

    fn duration(&self) -> syn::Result<(Duration, LitStr)> {
        let text = self.text()?;
        match duration::parse(&text.value()) {
            Ok(duration) => Ok((duration, text)),
            Err(message) => Err(Error::new(text.span(), message)),
        }
    }

    fn compress(&self) -> syn::Result<Compress> {
        if self.rest.is_empty() {
            return Ok(Compress::At(DEFAULT_LEVEL, self.name.span()));
        }
        match self.literal()? {
            Lit::Bool(bool) if !bool.value => Ok(Compress::Never),
            Lit::Int(number) if number.suffix().is_empty() => match number.base10_parse() {
                Ok(level) if LEVELS.contains(&level) => Ok(Compress::At(level, number.span())),
                _ => {
                    let (least, most) = LEVELS.into_inner();
                    let message = format!(
                        "there is no level `{number}` of compression: write one of {least} to {most}"
                    );
                    Err(Error::new(number.span(), message))
                }
            },
            _ => Err(self.malformed()),
        }
    }

    fn path(&self) -> syn::Result<Path> {
        syn::parse2(self.value()?).map_err(|_| self.malformed())
    }

    /// The names in parentheses, at least one.
    fn names(&self) -> syn::Result<Vec<Ident>> {
        let [TokenTree::Group(group)] = self.rest else { return Err(self.malformed()) };
        if group.delimiter() != Delimiter::Parenthesis || group.stream().is_empty() {
            return Err(self.malformed());
        }
        let names = Punctuated::<Ident, Token![,]>::parse_terminated_with;
        let parser = |input: syn::parse::ParseStream| names(input, Ident::parse_any);
        Ok(parser.parse2(group.stream()).map_err(|_| self.malformed())?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
