//! What the environment variable `REMEMO` says of all memories of the process.

use std::env;
use std::sync::OnceLock;

use super::Manners;
use crate::events;

impl Manners {
    /// Those of a process that runs calls which others have sent: as the environment says.
    pub(crate) fn of_worker() -> Self {
        Manners { is_worker: true, ..Manners::default() }.under(switch())
    }

    pub(super) fn under(self, switch: Switch) -> Self {
        match switch {
            Switch::On | Switch::Off => self,
            Switch::Frozen => Manners { is_frozen: true, ..self },
            Switch::Verify(share) => Manners { verified: share, ..self },
        }
    }
}

/// What `REMEMO` says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Switch {
    On,
    Off,
    Frozen,
    /// This share of the hits is computed again.
    Verify(f64),
}

/// What `REMEMO` says; read once.
pub(super) fn switch() -> Switch {
    static SWITCH: OnceLock<Switch> = OnceLock::new();
    *SWITCH.get_or_init(|| {
        let said = env::var("REMEMO").unwrap_or_default();
        Switch::of(&said).unwrap_or_else(|| {
            events::warn!(
                "REMEMO=`{said}` is not known and is ignored; `off` disables the cache, `frozen` refuses to compute, \
                 `verify` or `verify=0.01` computes all hits or one of a hundred again"
            );
            Switch::On
        })
    })
}

impl Switch {
    fn of(said: &str) -> Option<Switch> {
        match said {
            "" | "on" => Some(Switch::On),
            "off" => Some(Switch::Off),
            "frozen" => Some(Switch::Frozen),
            "verify" => Some(Switch::Verify(1.0)),
            _ => {
                let share: f64 = said.strip_prefix("verify=")?.parse().ok()?;
                (0.0..=1.0).contains(&share).then_some(Switch::Verify(share))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_what_is_known_or_nothing() {
        for (said, switch) in [
            ("", Some(Switch::On)),
            ("off", Some(Switch::Off)),
            ("frozen", Some(Switch::Frozen)),
            ("verify", Some(Switch::Verify(1.0))),
            ("verify=0.01", Some(Switch::Verify(0.01))),
            ("verify=2", None),
            ("verify=NaN", None),
            ("verify=", None),
            ("OFF", None),
        ] {
            assert_eq!(Switch::of(said), switch, "{said}");
        }
    }
}
