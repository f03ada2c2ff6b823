//@ geo = "=0.29.3"

use geo::algorithm::*;
use geo::{Coord, Line, LineString, MultiPoint, Point, Polygon, Rect};

fn points(seed: u64, count: usize) -> Vec<Coord> {
    let mut state = seed;
    (0..count).map(|_| Coord { x: real(&mut state, -80.0, 80.0), y: real(&mut state, -60.0, 60.0) }).collect()
}

fn star(seed: u64, corners: usize) -> Polygon {
    let mut state = seed;
    let corner = |i: usize, r: f64| {
        let angle = i as f64 / corners as f64 * std::f64::consts::TAU;
        Coord { x: r * angle.cos(), y: r * angle.sin() }
    };
    let ring = (0..corners).map(|i| corner(i, real(&mut state, 5.0, 20.0))).collect();
    Polygon::new(LineString::new(ring), vec![])
}

#[memo]
fn hull_area(seed: u64) -> f64 {
    MultiPoint::from(points(seed, 60)).convex_hull().unsigned_area()
}

#[memo]
fn great_circle(seed: u64) -> Vec<f64> {
    let points = points(seed, 12);
    points.windows(2).map(|pair| Haversine::distance(Point(pair[0]), Point(pair[1]))).collect()
}

#[memo]
fn geodesic(seed: u64) -> f64 {
    LineString::new(points(seed, 8)).length::<Geodesic>()
}

#[memo]
fn simplified(seed: u64) -> Vec<f64> {
    let line = LineString::new(points(seed, 40));
    line.simplify(&20.0).0.iter().flat_map(|c| [c.x, c.y]).collect()
}

#[memo]
fn thinned(seed: u64) -> Vec<f64> {
    let line = LineString::new(points(seed, 40));
    line.simplify_vw(&200.0).0.iter().flat_map(|c| [c.x, c.y]).collect()
}

#[memo]
fn contained(seed: u64) -> usize {
    let star = star(seed, 17);
    points(seed + 1, 200).iter().filter(|point| star.contains(*point)).count()
}

#[memo]
fn common_area(seed: u64) -> f64 {
    star(seed, 9).intersection(&star(seed + 1, 11)).unsigned_area()
}

#[memo]
fn crossings(seed: u64) -> usize {
    let points = points(seed, 30);
    let lines: Vec<Line> = points.windows(2).map(|pair| Line::new(pair[0], pair[1])).collect();
    lines.iter().enumerate().map(|(i, a)| lines[..i].iter().filter(|b| a.intersects(*b)).count()).sum()
}

#[memo]
fn frechet(seed: u64) -> f64 {
    LineString::new(points(seed, 20)).frechet_distance(&LineString::new(points(seed + 3, 25)))
}

#[memo]
fn centers(seed: u64) -> Vec<f64> {
    let star = star(seed, 13);
    let rect: Rect = star.bounding_rect().unwrap();
    let turned = star.rotate_around_centroid(30.0).translate(1.0, 2.0);
    let center = turned.centroid().unwrap();
    vec![rect.width(), rect.height(), center.x(), center.y()]
}
