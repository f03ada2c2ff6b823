//! How a token is changed into another of its kind.

use proc_macro2::{Literal, TokenStream, TokenTree};
use syn::{BinOp, Lit};

/// Another literal in the place of `lit`.
pub(crate) fn literal(lit: &Lit) -> Option<String> {
    match lit {
        Lit::Int(lit) => {
            let value: u128 = lit.base10_parse().ok()?;
            Some(format!("{}{}", value.checked_add(1)?, lit.suffix()))
        }
        Lit::Float(lit) => {
            let value: f64 = lit.base10_parse().ok()?;
            Some(format!("{:?}{}", value * 1.25 + 0.5, lit.suffix()))
        }
        Lit::Bool(lit) => Some((!lit.value).to_string()),
        Lit::Str(lit) => Some(Literal::string(&format!("{}x", lit.value())).to_string()),
        Lit::Char(lit) => Some(if lit.value() == 'a' { "'b'" } else { "'a'" }.to_owned()),
        Lit::Byte(lit) => Some(if lit.value() == b'a' { "b'b'" } else { "b'a'" }.to_owned()),
        _ => None,
    }
}

/// A literal or a name of a truth value, in what a macro is given.
pub(crate) fn token(token: &TokenTree) -> Option<String> {
    let is_value = match token {
        TokenTree::Literal(_) => true,
        TokenTree::Ident(name) => name == "true" || name == "false",
        _ => false,
    };
    let lit = syn::parse2::<Lit>(TokenStream::from(token.clone())).ok().filter(|_| is_value)?;
    literal(&lit)
}

/// Another operator of the same kind of operands.
pub(crate) fn operator(operator: BinOp) -> Option<&'static str> {
    Some(match operator {
        BinOp::Add(_) | BinOp::Div(_) => "*",
        BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Rem(_) => "+",
        BinOp::And(_) => "||",
        BinOp::Or(_) => "&&",
        BinOp::BitXor(_) | BinOp::BitAnd(_) => "|",
        BinOp::BitOr(_) => "&",
        BinOp::Shl(_) => ">>",
        BinOp::Shr(_) => "<<",
        BinOp::Eq(_) => "!=",
        BinOp::Ne(_) => "==",
        BinOp::Lt(_) => "<=",
        BinOp::Le(_) => "<",
        BinOp::Ge(_) => ">",
        BinOp::Gt(_) => ">=",
        BinOp::AddAssign(_) => "-=",
        BinOp::SubAssign(_) | BinOp::MulAssign(_) => "+=",
        BinOp::DivAssign(_) => "*=",
        BinOp::BitXorAssign(_) | BinOp::BitAndAssign(_) => "|=",
        BinOp::BitOrAssign(_) => "&=",
        _ => return None,
    })
}
