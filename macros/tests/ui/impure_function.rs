use rememo::memo;

mod settings {
    pub fn level() -> u32 {
        std::env::var("LEVEL").map_or(3, |text| text.len() as u32)
    }
}

struct Clock;

impl Clock {
    fn seconds(&self) -> u64 {
        std::time::Instant::now().elapsed().as_secs()
    }

    #[memo(pure)]
    fn since(start: u64) -> u64 {
        start + Self::seconds(&Clock)
    }
}

#[memo(pure)]
fn impure(x: u32) -> u32 {
    x + settings::level()
}

#[memo(pure)]
fn pure(x: u32) -> u32 {
    x + 1
}

fn main() {
    let _ = (impure(3), pure(3), Clock::since(3));
}
