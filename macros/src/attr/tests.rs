use quote::quote;

use super::*;

fn parse(tokens: TokenStream) -> Options {
    Options::parse(tokens).unwrap()
}

/// The messages of all errors, in order.
#[track_caller]
fn messages(tokens: TokenStream) -> Vec<String> {
    Options::parse(tokens).unwrap_err().into_iter().map(|error| error.to_string()).collect()
}

#[test]
fn without_options_everything_has_its_default() {
    for tokens in [quote!(), quote!(,)] {
        let errors = Options::parse(tokens.clone());
        if tokens.is_empty() {
            let options = errors.unwrap();
            assert_eq!(options.track, Track::Reach);
            assert!(options.ignore.is_empty() && options.version.is_empty() && !options.cache_err);
            assert!(matches!(options.compress, Compress::AsMemory));
            assert!(options.name.is_none() && options.ttl.is_none() && options.min_cost.is_zero());
        } else {
            assert_eq!(errors.unwrap_err().to_string(), "expected an option between two commas");
        }
    }
}

#[test]
fn every_option_is_read() {
    let options = parse(quote! {
        ignore(verbose, r#type), name = "sim", version = 3, track = "none", ttl = "7d",
        valid = crate::fresh, min_cost = "1.5ms", compress = 19, cache_err, associated, crate = renamed::rememo,
    });
    assert_eq!(options.ignore, ["verbose", "r#type"]);
    assert_eq!(options.name.as_deref(), Some("sim"));
    assert_eq!(options.version, "3");
    assert_eq!(options.track, Track::None);
    assert_eq!(options.ttl, Some(Duration::from_hours(168)));
    assert_eq!(options.valid, Some(syn::parse_quote!(crate::fresh)));
    assert_eq!(options.min_cost, Duration::from_micros(1_500));
    assert!(matches!(options.compress, Compress::At(19, _)));
    assert!(options.cache_err);
    assert_eq!(options.library, Some(syn::parse_quote!(renamed::rememo)));
}

#[test]
fn a_version_is_the_same_as_number_and_as_text() {
    for tokens in [quote!(version = 12), quote!(version = "12"), quote!(version = 1_2), quote!(version = 0xc)]
    {
        assert_eq!(parse(tokens).version, "12");
    }
    assert_eq!(parse(quote!(version = "2026-a")).version, "2026-a");
}

#[test]
fn a_malformed_option_is_answered_with_how_it_is_written() {
    for (tokens, form) in [
        (quote!(ignore), "ignore(a, b)"),
        (quote!(ignore()), "ignore(a, b)"),
        (quote!(ignore = a), "ignore(a, b)"),
        (quote!(ignore[a]), "ignore(a, b)"),
        (quote!(ignore(a b)), "ignore(a, b)"),
        (quote!(ignore("a")), "ignore(a, b)"),
        (quote!(name), "name = \"…\""),
        (quote!(name("sim")), "name = \"…\""),
        (quote!(name = sim), "name = \"…\""),
        (quote!(version), "version = 3"),
        (quote!(version = -3), "version = 3"),
        (quote!(version = 3u8), "version = 3"),
        (quote!(version = 3.0), "version = 3"),
        (quote!(version = 1 + 2), "version = 3"),
        (quote!(track = body), "track = \"body\""),
        (quote!(ttl = 7), "ttl = \"7d\""),
        (quote!(ttl = 7d), "ttl = \"7d\""),
        (quote!(valid = "path"), "valid = path::to::function"),
        (quote!(valid = |entry| true), "valid = path::to::function"),
        (quote!(min_cost), "min_cost = \"1ms\""),
        (quote!(min_cost = 1), "min_cost = \"1ms\""),
        (quote!(compress = "3"), "compress = 3"),
        (quote!(compress = 3i32), "compress = 3"),
        (quote!(compress = 3.5), "compress = 3"),
        (quote!(compress = true), "compress = 3"),
        (quote!(compress(3)), "compress = 3"),
        (quote!(compress = level), "compress = 3"),
        (quote!(cache_err = true), "cache_err"),
        (quote!(cache_err(all)), "cache_err"),
        (quote!(crate = "rememo"), "crate = path::to::rememo"),
    ] {
        let name = form.split([' ', '(']).next().unwrap();
        assert_eq!(messages(tokens), [format!("the option `{name}` is written `{form}`")]);
    }
}

#[test]
fn empty_texts_are_refused() {
    for name in ["name", "version", "track", "ttl", "min_cost"] {
        let name = quote::format_ident!("{name}");
        assert_eq!(messages(quote!(#name = "")), [format!("the option `{name}` must not be empty")]);
    }
}

#[test]
fn an_unknown_option_lists_the_known_ones() {
    assert_eq!(
        messages(quote!(ignored(a))),
        [
            "unknown option `ignored`: the options are `ignore`, `name`, `version`, `track`, `ttl`, `valid`, `min_cost`, \
          `compress`, `cache_err`, `pure`, `associated`, `crate`"
        ]
    );
}

#[test]
fn a_track_that_there_is_not_is_refused() {
    assert_eq!(
        messages(quote!(track = "all")),
        ["unknown `track = \"all\"`: write `\"reach\"`, `\"body\"` or `\"none\"`"]
    );
}

#[test]
fn pure_needs_all_that_the_function_reaches() {
    assert!(parse(quote!(pure)).pure.is_some());
    assert!(parse(quote!(pure, track = "reach")).pure.is_some());
    for track in ["body", "none"] {
        let message = "`pure` looks at all that the function reaches: take it or `track` away";
        assert_eq!(messages(quote!(pure, track = #track)), [message]);
    }
}

#[test]
fn a_ttl_of_zero_is_refused_but_not_a_min_cost_of_zero() {
    assert!(messages(quote!(ttl = "0s"))[0].starts_with("a `ttl` of zero expires before it is read"));
    assert!(parse(quote!(min_cost = "0s")).min_cost.is_zero());
}

#[test]
fn compress_takes_the_levels_of_zstd_or_none_or_false() {
    assert!(matches!(parse(quote!(compress)).compress, Compress::At(3, _)));
    assert!(matches!(parse(quote!(compress = 1)).compress, Compress::At(1, _)));
    assert!(matches!(parse(quote!(compress = 22)).compress, Compress::At(22, _)));
    assert!(matches!(parse(quote!(compress = false)).compress, Compress::Never));
    for level in ["0", "23", "-1", "99999999999999"] {
        let tokens: TokenStream = format!("compress = {level}").parse().unwrap();
        assert_eq!(
            messages(tokens),
            [format!("there is no level `{level}` of compression: write one of 1 to 22")]
        );
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    assert_eq!(
        messages(quote!(cache_err, cache_err, version, 7, ttl = "7", min_cost = "1ms")),
        [
            "`cache_err` is given twice: keep one",
            "the option `version` is written `version = 3`",
            "expected the name of an option, such as `version = 3`",
            "`7` has no unit: write one of `ns`, `us`, `ms`, `s`, `m`, `h`, `d`, `w` after the number",
        ]
    );
}
