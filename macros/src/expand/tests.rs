use quote::quote;
use syn::{ImplItem, ImplItemFn, Item, ItemFn, parse_quote};

use super::*;
use crate::reach::Standing;

fn written(options: TokenStream, function: &ItemFn) -> TokenStream {
    let options = Options::parse(options).unwrap();
    expand(&Memoized::new(function, Standing::Unknown, &options).unwrap(), &options)
}

fn items(options: TokenStream, function: &ItemFn) -> Vec<Item> {
    syn::parse2::<syn::File>(written(options, function)).unwrap().items
}

/// The functions written for a method.
fn methods(options: TokenStream, function: &ItemFn) -> Vec<ImplItemFn> {
    let written = written(options, function);
    let block: syn::ItemImpl = parse_quote!(impl A { #written });
    functions(block)
}

fn functions(block: syn::ItemImpl) -> Vec<ImplItemFn> {
    let function = |item| if let ImplItem::Fn(function) = item { function } else { panic!("not a function") };
    block.items.into_iter().map(function).collect()
}

fn names(functions: &[ImplItemFn]) -> Vec<String> {
    functions.iter().map(|function| function.sig.ident.to_string()).collect()
}

#[test]
fn a_function_keeps_its_signature_and_gets_a_struct_of_its_name() {
    let items = items(
        quote!(),
        &parse_quote!(
            pub fn f<'a, T: A>(mut x: &'a T, y: &str) -> u8 {
                g(x)
            }
        ),
    );
    let [Item::Fn(wrapper), Item::Struct(carrier), Item::Impl(companions)] = items.as_slice() else {
        panic!("{items:?}")
    };
    assert_eq!(wrapper.sig, parse_quote!(fn f<'a, T: A>(x: &'a T, y: &str) -> u8));
    assert_eq!(carrier.ident, "f");
    assert_eq!(carrier.vis, parse_quote!(pub));
    assert_eq!(companions.self_ty, parse_quote!(f));
    assert_eq!(names(&functions(companions.clone())), ["delayed", "uncached", "info", "__function"]);
}

#[test]
fn a_method_gets_functions_beside_it() {
    let methods = methods(
        quote!(),
        &parse_quote!(
            pub(crate) fn r#match(&self, x: u64) -> f64 {
                x
            }
        ),
    );
    assert_eq!(
        names(&methods),
        ["r#match", "match_delayed", "match_uncached", "match_info", "__match_function"]
    );
    assert!(methods[..4].iter().all(|method| method.vis == parse_quote!(pub(crate))));
    let returned = methods[1].sig.output.to_token_stream().to_string();
    assert_eq!(returned, quote!(-> ::rememo::FunctionCall<(&'__r0 Self, u64,), f64>).to_string());
}

#[test]
fn the_body_stands_unchanged_under_the_signature_as_written() {
    let function: ItemFn = parse_quote!(
        fn f(mut x: u8, #[allow(unused)] y: &u8) -> u8 {
            x += 1;
            x
        }
    );
    let items = items(quote!(), &function);
    let Some(Item::Impl(block)) = items.get(2) else { panic!("{items:?}") };
    let functions = functions(block.clone());
    let uncached = functions.iter().find(|function| function.sig.ident == "uncached").unwrap();
    assert_eq!(uncached.block, *function.block);
    assert_eq!(uncached.sig.inputs, function.sig.inputs);
}

#[test]
fn ignored_parameters_are_passed_on_but_not_shown() {
    let text = written(
        quote!(ignore(verbose)),
        &parse_quote!(
            fn f(seed: u64, verbose: bool) -> u8 {
                g(seed)
            }
        ),
    );
    let text = text.to_string();
    assert!(text.contains(&quote!(__sink.argument("seed", &__arguments.0)?).to_string()), "{text}");
    assert!(!text.contains("argument (\"verbose\""), "{text}");
    assert!(text.contains(&quote!(parameters: &["seed"]).to_string()), "{text}");
    assert!(text.contains(&quote!(f::delayed(seed, verbose)).to_string()), "{text}");
}

#[test]
fn the_definition_states_the_options() {
    let options = quote!(
        name = "n",
        version = 3,
        ttl = "1.5s",
        min_cost = "1ms",
        compress = 7,
        valid = a::fresh,
        track = "none",
        crate = lib::memo
    );
    let text = written(
        options,
        &parse_quote!(
            fn r#fn() -> u8 {
                1
            }
        ),
    )
    .to_string();
    for part in [
        quote!(function: "fn", method: false, ordinal: 0u32, name: ::core::option::Option::Some("n")),
        quote!(package: "", types: &[], version: "3"),
        quote!(ttl: ::core::option::Option::Some(::core::time::Duration::new(1u64, 500000000u32))),
        quote!(let __valid: fn(&lib::memo::EntryInfo) -> bool = a::fresh;),
        quote!(min_cost: ::core::time::Duration::new(0u64, 1000000u32)),
        quote!(compress: lib::memo::__private::Compress::At(lib::memo::__private::Level::of_function(7i32))),
        quote!(-> lib::memo::FunctionCall<(), u8>),
    ] {
        assert!(text.contains(&part.to_string()), "{part} in {text}");
    }
    assert!(text.contains(&format!("* b\"{}\"", "\\0".repeat(32))), "{text}");
    assert!(!text.contains(":: rememo"), "{text}");
}

#[test]
fn cfg_is_on_everything_and_docs_on_the_function_alone() {
    let function = parse_quote!(
        #[cfg(unix)]
        #[doc = "Docs."]
        #[inline]
        pub fn f() -> u8 {
            1
        }
    );
    let items = items(quote!(), &function);
    for item in &items {
        let text = item.to_token_stream().to_string();
        assert!(text.starts_with(&quote!(#[cfg(unix)]).to_string()), "{text}");
    }
    assert!(items[0].to_token_stream().to_string().contains("Docs."));
    let rest = items[2].to_token_stream().to_string();
    assert_eq!(rest.matches("Docs.").count(), 0);
    assert_eq!(rest.matches("inline").count(), 1);
}

#[test]
fn a_parameter_with_the_name_of_the_function_hides_it_without_harm() {
    let mention = quote!(let _ = f;).to_string();
    assert!(
        written(
            quote!(),
            &parse_quote!(
                fn f(x: u8) -> u8 {
                    x
                }
            )
        )
        .to_string()
        .contains(&mention)
    );
    assert!(
        !written(
            quote!(),
            &parse_quote!(
                fn f(f: u8) -> u8 {
                    f
                }
            )
        )
        .to_string()
        .contains(&mention)
    );
}

#[test]
fn only_functions_that_other_processes_can_find_are_registered() {
    let registers =
        |function: ItemFn| items(quote!(), &function).iter().any(|item| matches!(item, Item::Const(_)));
    assert!(registers(parse_quote!(
        fn f<'a>(x: &'a str, y: Option<&str>) -> u8 {
            1
        }
    )));
    assert!(
        !registers(parse_quote!(
            fn f<T: A>(x: T) -> u8 {
                1
            }
        )),
        "generic"
    );
    assert!(
        !registers(parse_quote!(
            fn f(x: &'static str) -> u8 {
                1
            }
        )),
        "borrows for ever"
    );
    let method = written(
        quote!(),
        &parse_quote!(
            fn f(&self) -> u8 {
                1
            }
        ),
    )
    .to_string();
    assert!(!method.contains("submit") && method.contains("it is in an impl block"), "{method}");
}
