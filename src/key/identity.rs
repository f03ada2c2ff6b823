//! The identity of a function: the blake3 key under which its arguments are hashed.
//!
//! # Why these parts
//! - The *name* is that of the carrier struct's type. `module_path!` does not tell apart two
//!   functions that stand in two bodies. Generic parameters are cut out of the name, and join
//!   apart.
//! - Two functions of one name and text in two *blocks* of one body have one type name. The macro
//!   counts functions of equal name and text as it reads them, and the name of the second ends in
//!   `#2`. Functions of a module need no number, so their order does not count.
//! - A *type parameter* that only ignored arguments have is left out.
//! - The *package* joins under `track = "body"` and `"none"`. Under `"reach"` it need not: of two
//!   functions with equal path and equal code, all that they reach included, each may have the
//!   value of the other.
//! - The *names of parameters* join under every `track`. `f(a, b)` that ignores `a` and `f(a, b)`
//!   that ignores `b` have one number in the key, and would find each other's entries.

/// 32 bytes that stand for one instance of one function with one state of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(pub(crate) [u8; 32]);

/// 8 bytes that stand for one function with one state of its code, all its generic instances together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FunctionId(pub(crate) [u8; 8]);

impl FunctionId {
    /// The id that 16 hexadecimal digits spell.
    pub(crate) fn from_hex(digits: &str) -> Option<Self> {
        let bytes: Vec<u8> = (0..8)
            .map(|i| u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok())
            .collect::<Option<_>>()?;
        Some(FunctionId(bytes.try_into().ok().filter(|_| digits.len() == 16)?))
    }
}

impl std::fmt::Display for FunctionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Domains of blake3's key derivation; the number is the version of what is derived.
const IDENTITY_CONTEXT: &str = "rememo key 2: function identity";
const FUNCTION_CONTEXT: &str = "rememo key 3: function id";
const FINGERPRINT_CONTEXT: &str = "rememo fingerprint 2: with cfg";

/// Everything that tells one function from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdentityParts<'a> {
    pub(crate) name: &'a str,
    /// The package, where the name may be that of a function in another one, too; else empty.
    pub(crate) package: &'a str,
    /// The type and const parameters, as the compiler prints them, angle brackets included; may be empty.
    pub(crate) type_parameters: &'a str,
    pub(crate) output: &'a str,
    /// The number of the types, where what the compiler calls them may mean others, too; else
    /// empty.
    pub(crate) types: &'a str,
    pub(crate) version: &'a str,
    pub(crate) fingerprint: &'a [u8; 32],
    /// Names of the parameters that are in the key: leaving out another one is another function.
    pub(crate) parameters: &'a [&'a str],
}

impl IdentityParts<'_> {
    pub(crate) fn identity(&self) -> Identity {
        let mut hasher = Fields::new(IDENTITY_CONTEXT);
        hasher.field(self.name.as_bytes());
        hasher.field(self.package.as_bytes());
        hasher.field(self.type_parameters.as_bytes());
        hasher.field(self.output.as_bytes());
        hasher.field(self.types.as_bytes());
        hasher.field(self.version.as_bytes());
        hasher.field(self.fingerprint);
        for parameter in self.parameters {
            hasher.field(parameter.as_bytes());
        }
        Identity(hasher.digest())
    }

    /// The id of the function, whatever its instance: type parameters and output stay out.
    pub(crate) fn function_id(&self) -> FunctionId {
        let mut hasher = Fields::new(FUNCTION_CONTEXT);
        hasher.field(self.name.as_bytes());
        hasher.field(self.package.as_bytes());
        hasher.field(self.version.as_bytes());
        hasher.field(self.fingerprint);
        for parameter in self.parameters {
            hasher.field(parameter.as_bytes());
        }
        let digest = hasher.digest();
        FunctionId(std::array::from_fn(|i| digest[i]))
    }
}

/// The fingerprint of a function: the digest of its code, and whether each `cfg` predicate in that code holds.
pub(crate) fn fingerprint_with_cfg(code: &[u8; 32], cfg: &[(&str, bool)]) -> [u8; 32] {
    if cfg.is_empty() {
        return *code;
    }
    let mut hasher = Fields::new(FINGERPRINT_CONTEXT);
    hasher.0.update(code);
    for (predicate, holds) in cfg {
        hasher.field(predicate.as_bytes());
        hasher.0.update(&[u8::from(*holds)]);
    }
    hasher.digest()
}

/// Hashes a list of byte strings so that no two lists give the same bytes.
struct Fields(blake3::Hasher);

impl Fields {
    fn new(context: &str) -> Self {
        Fields(blake3::Hasher::new_derive_key(context))
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn digest(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: IdentityParts<'static> = IdentityParts {
        name: "shop::price",
        package: "",
        type_parameters: "<u64>",
        output: "f64",
        types: "",
        version: "3",
        fingerprint: &[7; 32],
        parameters: &["item", "day"],
    };

    #[test]
    fn every_part_changes_the_identity() {
        let variants = [
            PARTS,
            IdentityParts { name: "shop::cost", ..PARTS },
            IdentityParts { package: "shop 2.0.0", ..PARTS },
            IdentityParts { type_parameters: "<u32>", ..PARTS },
            IdentityParts { output: "f32", ..PARTS },
            IdentityParts { types: "TypeId(0x00)", ..PARTS },
            IdentityParts { version: "4", ..PARTS },
            IdentityParts { fingerprint: &[8; 32], ..PARTS },
            IdentityParts { parameters: &["item"], ..PARTS },
            IdentityParts { parameters: &["day", "item"], ..PARTS },
            IdentityParts { parameters: &["itemday"], ..PARTS },
        ];
        for (i, a) in variants.iter().enumerate() {
            for b in &variants[..i] {
                assert_ne!(a.identity(), b.identity(), "{a:?} and {b:?}");
            }
        }
    }

    /// The vectors of docs/format.md: a change here is a change of the key's version.
    #[test]
    fn identity_and_function_id_are_pinned() {
        let identity = blake3::Hash::from_bytes(PARTS.identity().0).to_hex();
        assert_eq!(identity.as_str(), "12f9f0857af92f142c10af2bd978163a9d125e14dd9b979e920ccf6ce687313d");
        assert_eq!(PARTS.function_id().to_string(), "865ac4d873ce9b8d");
        let types = "TypeId(0x00000000000000000000000000000007)";
        let told_apart = IdentityParts { package: "shop 2.0.0", types, ..PARTS };
        let identity = blake3::Hash::from_bytes(told_apart.identity().0).to_hex();
        assert_eq!(identity.as_str(), "f77f3f504999d8280abad6e70d5e21e80cfd485169a540457660112e814c5bc9");
        assert_eq!(told_apart.function_id().to_string(), "113b2fe21c3aa3ab");
    }

    #[test]
    fn the_id_of_a_function_groups_its_instances_and_nothing_else() {
        let id = PARTS.function_id();
        let other = IdentityParts { type_parameters: "<u32>", output: "f32", types: "TypeId(0x00)", ..PARTS };
        assert_eq!(other.function_id(), id);
        for other in [
            IdentityParts { name: "shop::cost", ..PARTS },
            IdentityParts { package: "shop 2.0.0", ..PARTS },
            IdentityParts { version: "4", ..PARTS },
            IdentityParts { fingerprint: &[8; 32], ..PARTS },
            IdentityParts { parameters: &["item"], ..PARTS },
        ] {
            assert_ne!(other.function_id(), id, "{other:?}");
        }
    }

    #[test]
    fn code_without_cfg_has_its_own_digest_as_fingerprint() {
        assert_eq!(fingerprint_with_cfg(&[7; 32], &[]), [7; 32]);
    }

    #[test]
    fn every_part_of_cfg_changes_the_fingerprint() {
        let variants: [(u8, &[(&str, bool)]); 8] = [
            (7, &[]),
            (7, &[("unix", true)]),
            (8, &[("unix", true)]),
            (7, &[("unix", false)]),
            (7, &[("windows", true)]),
            (7, &[("unix", true), ("test", false)]),
            (7, &[("unix", false), ("test", true)]),
            (7, &[("", true), ("unix", true)]),
        ];
        let fingerprints = variants.map(|(code, cfg)| fingerprint_with_cfg(&[code; 32], cfg));
        for (i, a) in fingerprints.iter().enumerate() {
            assert!(!fingerprints[..i].contains(a), "{:?}", variants[i]);
        }
    }

    /// The vector of docs/format.md.
    #[test]
    fn the_fingerprint_with_cfg_is_pinned() {
        let fingerprint =
            fingerprint_with_cfg(&[7; 32], &[(r#"feature = "fast""#, true), ("debug_assertions", false)]);
        assert_eq!(
            blake3::Hash::from_bytes(fingerprint).to_hex().as_str(),
            "c6b99df97af9020427b19268d9d852221da501e2e9905996a97ee484e6ecdaa9"
        );
    }
}
