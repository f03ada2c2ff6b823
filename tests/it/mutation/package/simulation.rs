//! Particles in a box, and the noise that moves them.

use std::cell::RefCell;
use std::rc::Rc;

use rememo::memo;
use serde::{Deserialize, Serialize};

type Real = f64;

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
const DAMPING: Real = 0.9;
const WALL: Real = 3.0;

/// A stream of numbers that look random.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Noise(seed.wrapping_mul(MIX) | 1)
    }

    /// From zero up to one.
    pub fn uniform(&mut self) -> Real {
        self.next().map_or(0.0, |bits| (bits >> 11) as Real / (1u64 << 53) as Real)
    }
}

impl Iterator for Noise {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(self.0)
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Particle {
    pub place: Real,
    pub speed: Real,
}

impl std::ops::AddAssign<Real> for Particle {
    fn add_assign(&mut self, push: Real) {
        self.speed += push;
    }
}

impl Particle {
    fn energy(&self) -> Real {
        square!(self.speed) / 2.0
    }

    fn step(&mut self) -> Event {
        self.place += self.speed;
        let within = clamp!(self.place, -WALL, WALL);
        if within == self.place {
            return Event::Moved;
        }
        self.place = within;
        self.speed *= -DAMPING;
        if self.energy() < 0.1 { Event::Stuck } else { Event::Bounced }
    }
}

#[derive(Clone, Copy)]
enum Event {
    Moved = 1,
    Bounced = 10,
    Stuck = 100,
}

/// Notes the end of a run when it goes.
struct Run {
    notes: Rc<RefCell<Vec<u32>>>,
    steps: u32,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.notes.borrow_mut().push(self.steps * 2);
    }
}

static STEPPERS: [fn(&mut Particle) -> u32; 2] = [|particle| particle.step() as u32, rest];

fn rest(particle: &mut Particle) -> u32 {
    particle.speed *= 1.5;
    0
}

#[memo]
pub fn trajectory(start: Particle, steps: u32) -> Vec<Particle> {
    let mut particle = start;
    (0..steps)
        .map(|_| {
            particle.step();
            particle
        })
        .collect()
}

#[memo]
pub fn energy(seed: u64) -> f64 {
    let mut noise = Noise::new(seed);
    let mut particle = Particle { place: 0.0, speed: 1.0 };
    for _ in 0..5 {
        particle += noise.uniform();
    }
    f64::from(particle.energy())
}

#[memo]
pub fn events(steps: u32) -> Vec<u32> {
    let notes = Rc::new(RefCell::new(Vec::new()));
    let mut particle = Particle { place: 0.0, speed: 2.0 };
    {
        let run = Run { notes: Rc::clone(&notes), steps };
        for step in 0..run.steps as usize {
            notes.borrow_mut().push(STEPPERS[step / 3 % 2](&mut particle));
        }
    }
    notes.take()
}
