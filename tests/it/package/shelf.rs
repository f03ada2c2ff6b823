//! Crates of a registry that is a directory of the package.

use super::Package;

/// A registry in a directory of the package; its address is never asked.
const REGISTRY: &str = r#"
[registries.shelf]
index = "sparse+https://shelf.invalid/"

[source.shelf]
registry = "sparse+https://shelf.invalid/"
replace-with = "shelved"

[source.shelved]
directory = "shelf"
"#;

impl Package {
    /// Lets the package have crates from its shelf.
    pub fn with_shelf(self) -> Self {
        self.file(".cargo/config.toml", REGISTRY)
    }

    /// Puts a version of a crate on the shelf; the library is one line.
    pub fn shelved(self, name: &str, version: &str, dependencies: &str, library: &str) -> Self {
        let directory = format!("shelf/{name}-{version}");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n{dependencies}"
        );
        let checksum = format!("{{\"files\": {{}}, \"package\": \"{}\"}}", checksum(version));
        self.file(&format!("{directory}/Cargo.toml"), manifest)
            .file(&format!("{directory}/src/lib.rs"), library)
            .file(&format!("{directory}/.cargo-checksum.json"), checksum)
    }
}

fn checksum(version: &str) -> String {
    version.replace('.', "").repeat(64)[..64].to_owned()
}

/// An entry of a lock file.
pub fn locked(name: &str, version: &str) -> String {
    format!(
        "name = \"{name}\"\nversion = \"{version}\"\nsource = \"sparse+https://shelf.invalid/\"\nchecksum = \"{}\"\n",
        checksum(version)
    )
}
