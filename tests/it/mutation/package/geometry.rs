//! Shapes and lengths.

use rememo::memo;

const PI: f64 = 3.141_592_653;

pub trait Unit {
    const FACTOR: f64;
}

units! {
    Metre: 1.0,
    Foot: 0.3048,
}

fn metres<U: Unit>(length: f64) -> f64 {
    length * U::FACTOR
}

pub trait Shape {
    fn area(&self) -> f64;
    fn outline(&self) -> f64;

    /// One for a disc, less for anything else.
    fn compactness(&self) -> f64 {
        4.0 * PI * self.area() / square!(self.outline())
    }
}

pub struct Disc {
    radius: f64,
}

pub struct Oblong {
    width: f64,
    height: f64,
}

pub struct Polygon(Vec<Point>);

#[derive(Clone, Copy)]
pub struct Point(f64, f64);

impl std::ops::Sub for Point {
    type Output = Point;

    fn sub(self, other: Point) -> Point {
        Point(self.0 - other.0, self.1 - other.1)
    }
}

impl Point {
    fn length(self) -> f64 {
        self.0.hypot(self.1)
    }

    fn turned(self, angle: f64) -> Point {
        Point(self.0 * angle.cos() - self.1 * angle.sin(), self.0 * angle.sin() + self.1 * angle.cos())
    }
}

impl std::ops::Deref for Polygon {
    type Target = [Point];

    fn deref(&self) -> &[Point] {
        &self.0
    }
}

impl Polygon {
    fn regular(corners: u32) -> Self {
        let start = Point(RADIUS, 0.0);
        Polygon(
            (0..corners)
                .map(|corner| start.turned(2.0 * PI * f64::from(corner) / f64::from(corners)))
                .collect(),
        )
    }

    fn edges(&self) -> impl Iterator<Item = (Point, Point)> {
        self.iter().zip(self.iter().cycle().skip(1)).map(|(a, b)| (*a, *b))
    }
}

const RADIUS: f64 = 2.0;

impl Shape for Disc {
    fn area(&self) -> f64 {
        PI * square!(self.radius)
    }

    fn outline(&self) -> f64 {
        2.0 * PI * self.radius
    }
}

impl Shape for Oblong {
    fn area(&self) -> f64 {
        self.width * self.height
    }

    fn outline(&self) -> f64 {
        2.0 * (self.width + self.height)
    }
}

impl Shape for Polygon {
    fn area(&self) -> f64 {
        self.edges().map(|(a, b)| (a.0 * b.1 - b.0 * a.1) / 2.0).sum()
    }

    fn outline(&self) -> f64 {
        self.edges().map(|(a, b)| (b - a).length()).sum()
    }
}

/// What some shapes of this size cover.
#[memo]
pub fn covered(size: f64) -> f64 {
    let shapes: [Box<dyn Shape>; 2] =
        [Box::new(Disc { radius: size }), Box::new(Oblong { width: size, height: 3.0 })];
    shapes.iter().map(|shape| shape.area()).sum()
}

#[memo]
pub fn regular(corners: u32) -> (f64, f64) {
    let polygon = Polygon::regular(corners);
    (polygon.area(), polygon.compactness())
}

#[memo]
pub fn fence(feet: f64) -> f64 {
    let side = metres::<Foot>(feet);
    Oblong { width: side, height: side + metres::<Metre>(1.0) }.outline()
}
