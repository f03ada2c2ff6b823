//@ astro = "=2.0.0"

use astro::planet::Planet;
use astro::time::{CalType, Date, DayOfMonth};
use astro::{coords, ecliptic, lunar, nutation, orbit, pluto, star, sun, time};

fn day(seed: u64) -> f64 {
    2_451_545.0 + seed as f64 * 37.25
}

fn date(seed: u64) -> Date {
    let day = DayOfMonth { day: 3, hr: 4, min: 5, sec: 6.5, time_zone: 1.0 };
    Date {
        year: 1990 + (seed % 30) as i16,
        month: 5,
        decimal_day: time::decimal_day(&day),
        cal_type: CalType::Gregorian,
    }
}

#[memo]
fn moon(seed: u64) -> Vec<f64> {
    let (point, distance) = lunar::geocent_ecl_pos(day(seed));
    vec![point.long, point.lat, distance]
}

#[memo]
fn the_sun(seed: u64) -> Vec<f64> {
    let (point, distance) = sun::geocent_ecl_pos(day(seed));
    let (long, lat) = sun::ecl_coords_to_FK5(day(seed), point.long, point.lat);
    vec![distance, long, lat]
}

#[memo]
fn planets(seed: u64) -> Vec<f64> {
    let planets = [Planet::Mercury, Planet::Venus, Planet::Mars, Planet::Jupiter, Planet::Saturn];
    let coords = planets.iter().map(|planet| astro::planet::heliocent_coords(planet, day(seed)));
    coords.flat_map(|(long, lat, radius)| [long, lat, radius]).collect()
}

#[memo]
fn elements(seed: u64) -> f64 {
    let (a, b, c, d, e, f, g, h) = astro::planet::orb_elements(&Planet::Uranus, day(seed));
    a + b + c + d + e + f + g + h
}

#[memo]
fn nutation_and_obliquity(seed: u64) -> (f64, f64, f64) {
    let (long, oblique) = nutation::nutation(day(seed));
    (long, oblique, ecliptic::mn_oblq_IAU(day(seed)))
}

#[memo]
fn julian(seed: u64) -> (f64, f64) {
    let day = time::julian_day(&date(seed));
    (day, time::delta_t(1990 + (seed % 30) as i32, 5))
}

#[memo]
fn back_to_date(seed: u64) -> String {
    format!("{:?}", time::date_frm_julian_day(day(seed)))
}

#[memo]
fn far_pluto(seed: u64) -> (f64, f64, f64) {
    pluto::heliocent_pos(day(seed))
}

#[memo]
fn ellipse(seed: u64) -> Vec<f64> {
    let eccentricity = 0.1 + (seed % 7) as f64 * 0.1;
    let anomaly = orbit::elliptic::ecc_anom(0.5, eccentricity, 0.000_001);
    vec![anomaly, orbit::elliptic::true_anom(anomaly, eccentricity), orbit::elliptic::length(3.0, 2.0)]
}

#[memo]
fn sky(seed: u64) -> Vec<f64> {
    let mut state = seed;
    let (long, lat) = (real(&mut state, 0.0, 6.0), real(&mut state, -1.0, 1.0));
    let (asc, dec) = (coords::asc_frm_ecl(long, lat, 0.4), coords::dec_frm_ecl(long, lat, 0.4));
    vec![asc, dec, coords::gal_long_frm_eq(asc, dec), coords::gal_lat_frm_eq(asc, dec)]
}

#[memo]
fn stars(seed: u64) -> f64 {
    let mut state = seed;
    let magnitudes: Vec<f64> = (0..5).map(|_| real(&mut state, 1.0, 5.0)).collect();
    star::combined_mag_of_many(&magnitudes)
}
