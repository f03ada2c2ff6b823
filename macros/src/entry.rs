//! `#[rememo::main]`: calls `rememo::init()` first in `main`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, ItemFn, parse_quote_spanned};

/// The function, with the call in front of its body.
pub(crate) fn expand(options: &TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let library = if options.is_empty() {
        quote!(::rememo)
    } else {
        let option: syn::MetaNameValue = syn::parse2(options.clone())
            .map_err(|_| Error::new_spanned(options, "the only option is `crate = path::to::rememo`"))?;
        if !option.path.is_ident("crate") {
            return Err(Error::new_spanned(&option.path, "the only option is `crate = path::to::rememo`"));
        }
        option.value.into_token_stream()
    };
    let mut function: ItemFn = syn::parse2(item)?;
    if function.sig.asyncness.is_some() {
        let message = "a runtime must not start before `rememo::init()`: call that first in a `main` that is not `async`";
        return Err(Error::new_spanned(function.sig.asyncness, message));
    }
    let place = function.block.brace_token.span.join();
    function.block.stmts.insert(0, parse_quote_spanned!(place=> #library::init();));
    Ok(function.into_token_stream())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn written(options: &TokenStream, item: TokenStream) -> Result<ItemFn, String> {
        let tokens = expand(options, item).map_err(|error| error.to_string())?;
        syn::parse2(tokens).map_err(|error| error.to_string())
    }

    #[test]
    fn the_call_stands_before_the_body() {
        let main = written(
            &quote!(),
            quote!(
                pub fn main() -> Result<(), E> {
                    run()
                }
            ),
        )
        .unwrap();
        assert_eq!(
            main,
            parse_quote!(
                pub fn main() -> Result<(), E> {
                    ::rememo::init();
                    run()
                }
            )
        );
        let main = written(
            &quote!(crate = a::b),
            quote!(
                fn main() {}
            ),
        )
        .unwrap();
        assert_eq!(
            main,
            parse_quote!(
                fn main() {
                    a::b::init();
                }
            )
        );
    }

    #[test]
    fn what_cannot_be_is_said() {
        assert!(
            written(
                &quote!(threads = 2),
                quote!(
                    fn main() {}
                )
            )
            .unwrap_err()
            .contains("only option")
        );
        assert!(
            written(
                &quote!(),
                quote!(
                    async fn main() {}
                )
            )
            .unwrap_err()
            .contains("rememo::init()")
        );
    }
}
