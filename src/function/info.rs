//! What is known of a memoized function, for people.

use std::fmt;

use super::Function;
use super::instance::Met;
use crate::key::FunctionId;
use crate::states::Machine;

/// What is known of a memoized function; `f::info()` returns it.
#[derive(Clone, Copy)]
pub struct FunctionInfo(&'static Function);

impl FunctionInfo {
    pub(super) fn of(function: &'static Function) -> Self {
        FunctionInfo(function)
    }

    /// The id of the function as it stands in this program.
    pub(crate) fn id(self) -> FunctionId {
        self.0.id()
    }

    pub(crate) fn function(self) -> &'static Function {
        self.0
    }

    /// The name under which its entries are kept: crate, modules and function, or `name = "…"`.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The path of the module that it is in.
    pub fn module_path(&self) -> &'static str {
        self.0.definition.module_path
    }

    /// The digest of its code, as this build has it; zeros under `track = "none"`.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(*self.0.fingerprint())
    }

    /// Which fingerprints its code has, and why one is missing.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use rememo::{Memory, memo};
    ///
    /// #[memo]
    /// fn price(item: u64) -> u64 {
    ///     item * 10
    /// }
    ///
    /// let code = price::info().code();
    /// assert_eq!(code.source(), price::info().fingerprint());
    /// assert!(code.instances().is_empty(), "it is looked at for the first key");
    ///
    /// Memory::open(dir.path())?.call(price::delayed(3));
    /// match price::info().code().machine() {
    ///     Ok(fingerprint) => println!("it runs as {fingerprint}"),
    ///     Err(reason) => println!("the source alone counts: {reason}"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn code(&self) -> Code {
        Code::of(self.0)
    }

    /// What its source is seen to read or change of the outside world: each thing, such as `std::env::var`, `static mut COUNTER`
    /// or `extern getpid`, and its place. A value may then depend on more than the arguments and the code, and
    /// [`#[memo(pure)]`](crate::memo) makes it an error.
    ///
    /// Calls are followed by name, through imports, in the sources of the package and of its path dependencies, to a list of
    /// names of the standard library and of crates that many use. It is a hint, not a proof: methods of other crates'
    /// values (`path.exists()`), operators, what macros of other crates make and what a module hands on by `pub use` are not
    /// followed. A file that is an argument as [`InputFile`](crate::InputFile) is in the key, and not told. Empty under `track = "body"` and `"none"`.
    ///
    /// # Examples
    ///
    /// ```
    /// use rememo::memo;
    ///
    /// #[memo]
    /// fn home(user: &str) -> String {
    ///     format!("{}/{user}", root())
    /// }
    ///
    /// fn root() -> String {
    ///     std::env::var("HOMES").unwrap_or_default()
    /// }
    ///
    /// let reads: Vec<_> = home::info().reads().collect();
    /// assert_eq!(reads.len(), 1);
    /// assert_eq!(reads[0].0, "std::env::var");
    /// ```
    pub fn reads(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        self.0.definition.reads()
    }

    /// `version = …` as text, empty without.
    pub fn version(&self) -> &'static str {
        self.0.definition.version
    }

    /// The source file, as the compiler was given it.
    pub fn file(&self) -> &'static str {
        self.0.definition.file
    }

    /// The line in [`file`](Self::file).
    pub fn line(&self) -> u32 {
        self.0.definition.line
    }
}

impl fmt::Debug for FunctionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionInfo")
            .field("name", &self.name())
            .field("fingerprint", &self.fingerprint())
            .field("file", &self.file())
            .field("line", &self.line())
            .finish_non_exhaustive()
    }
}

/// Which fingerprints the code of a memoized function has; [`FunctionInfo::code`] returns it.
///
/// `Display` is one line, with the first 16 digits of each:
/// `source 3f24566a7b291cd9; no machine fingerprint: the program has no symbol table`.
#[derive(Clone, Debug)]
pub struct Code {
    source: Fingerprint,
    /// Why no instance has a machine fingerprint yet.
    unknown: &'static str,
    instances: Vec<InstanceCode>,
}

/// The machine code of a function: of one that is generic, as it was compiled for some types.
#[derive(Clone, Debug)]
pub struct InstanceCode {
    type_parameters: &'static str,
    machine: Machine,
}

/// Under which options of `#[memo]` machine code does not count.
const NOT_TRACKED: &str = "under `track = \"body\"` and `track = \"none\"` machine code does not count";

/// Machine code is followed from what a call is made of.
const NOT_CALLED: &str = "no call of it had a key in this process yet";

impl Code {
    fn of(function: &Function) -> Self {
        let source = Fingerprint(*function.fingerprint());
        let unknown = if function.has_machine_code() { NOT_CALLED } else { NOT_TRACKED };
        let is_method = function.definition.method;
        let instance = |met: &'static Met| Some(InstanceCode::of(met, met.machine.get()?, is_method));
        let mut instances: Vec<_> = function.instances().into_iter().filter_map(instance).collect();
        instances.sort_by_key(|instance| instance.type_parameters);
        Code { source, unknown, instances }
    }

    /// The fingerprint of the source: that of [`FunctionInfo::fingerprint`].
    pub fn source(&self) -> Fingerprint {
        self.source
    }

    /// The fingerprint of the machine code.
    ///
    /// # Errors
    ///
    /// Says why there is none: machine code cannot be followed in this program or does not count, no call had a key
    /// yet, or the function is generic and has several [instances](Self::instances), each with its own.
    pub fn machine(&self) -> Result<Fingerprint, &str> {
        match &self.instances[..] {
            [] => Err(self.unknown),
            [only] => only.machine(),
            _ => Err("it is generic, and each of its instances has one of its own"),
        }
    }

    /// Each instance of which a call had a key in this process: one, unless the function is generic. None if machine code does
    /// not count, or if all keys came from another process, as in a worker.
    pub fn instances(&self) -> &[InstanceCode] {
        &self.instances
    }
}

impl InstanceCode {
    fn of(met: &Met, machine: &Machine, is_method: bool) -> Self {
        let type_parameters = match met.type_parameters {
            // That of the type that it is a method of.
            of_self if is_method && !of_self.contains(", ") => "",
            all => all,
        };
        InstanceCode { type_parameters, machine: machine.clone() }
    }

    /// The type and const parameters, such as `<f64>`; empty if there are none.
    pub fn type_parameters(&self) -> &str {
        self.type_parameters
    }

    /// What must be equal for machine fingerprints to be comparable: processor, system, compilers and their settings.
    pub fn platform(&self) -> Fingerprint {
        Fingerprint(self.machine.platform)
    }

    /// The fingerprint of the machine code and data that it can run and read.
    ///
    /// # Errors
    ///
    /// Says why there is none.
    pub fn machine(&self) -> Result<Fingerprint, &str> {
        self.machine.digest.as_ref().map(|digest| Fingerprint(*digest)).map_err(String::as_str)
    }

    /// Functions of the C library that read or change the outside world and that the machine code can come to, each with the
    /// way there, such as `("getenv", "settings::load → settings::level")`. Empty if it is not known.
    ///
    /// It sees more than the source does ([`FunctionInfo::reads`]): methods, other crates, C. That code *can* come there does not mean that it
    /// does. Ways through panics, failed allocations and the seeds of hash maps do not count. Reads one small file.
    pub fn reads(&self) -> Vec<(String, String)> {
        self.machine.reads()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.0 == [0; 32] {
            f.write_str("no source fingerprint")?;
        } else {
            write!(f, "source {:.16}", self.source)?;
        }
        if self.instances.is_empty() {
            return write!(f, "; {}", Machines(Err(self.unknown)));
        }
        self.instances.iter().try_for_each(|instance| write!(f, "; {instance}"))
    }
}

impl fmt::Display for InstanceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.type_parameters.is_empty() {
            write!(f, "`{}`: ", self.type_parameters)?;
        }
        write!(f, "{}", Machines(self.machine()))
    }
}

/// A machine fingerprint, or why there is none.
struct Machines<'a>(Result<Fingerprint, &'a str>);

impl fmt::Display for Machines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(fingerprint) => write!(f, "machine code {fingerprint:.16}"),
            Err(reason) => write!(f, "no machine fingerprint: {reason}"),
        }
    }
}

/// 32 bytes that stand for the code of a memoized function. Shown as hexadecimal digits; `{:.16}` shows the first
/// 16.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}
