//! Charts of the report, as SVG.

use std::error::Error;
use std::time::Duration;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::units;

/// A row of a chart: what was saved, and what was spent.
#[derive(Clone, Debug)]
pub(crate) struct Bars {
    pub(crate) name: String,
    pub(crate) saved: Duration,
    pub(crate) spent: Duration,
}

/// Colours of the bars, which can be told apart on light and on dark ground.
const SAVED: RGBColor = RGBColor(0x2e, 0x9e, 0x5b);
const SPENT: RGBColor = RGBColor(0xd9, 0x82, 0x2b);

/// Stands for the colour of text, which the page decides.
const TEXT: RGBColor = RGBColor(1, 2, 3);
const TEXT_IN_SVG: &str = "#010203";

const WIDTH: u32 = 760;
/// Of a row with its two bars.
const HEIGHT: i32 = 34;
/// Room for names, and for times below.
const NAMES: i32 = 230;
const TIMES: i32 = 34;

/// Rows of bars, the first on top.
pub(crate) fn bars(rows: &[Bars]) -> Result<String, Box<dyn Error>> {
    let count = i32::try_from(rows.len())?;
    let height = u32::try_from(count * HEIGHT + TIMES)?;
    let longest = rows.iter().flat_map(|row| [row.saved, row.spent]).max().unwrap_or_default();
    let longest = longest.as_secs_f64().max(1e-9);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_right(40)
            .set_label_area_size(LabelAreaPosition::Left, NAMES)
            .set_label_area_size(LabelAreaPosition::Bottom, TIMES)
            .build_cartesian_2d(0.0..longest, count..0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(5)
            .x_label_formatter(&|seconds| units::span(Duration::from_secs_f64(*seconds)))
            .label_style(("sans-serif", 13).into_font().color(&TEXT))
            .axis_style(TEXT)
            .bold_line_style(TEXT.mix(0.15))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (at, row) in (0..).zip(rows) {
            for (length, colour, above, below) in [(row.saved, SAVED, 4, 17), (row.spent, SPENT, 18, 4)] {
                let corners = [(0.0, at), (length.as_secs_f64(), at + 1)];
                let mut bar = Rectangle::new(corners, colour.filled());
                bar.set_margin(above, below, 0, 0);
                chart.draw_series([bar])?;
            }
            let style = ("sans-serif", 13).into_font().color(&TEXT).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(short(&row.name), (NAMES - 8, at * HEIGHT + HEIGHT / 2), style))?;
        }
        area.present()?;
    }
    Ok(svg.replace(TEXT_IN_SVG, "currentColor"))
}

/// The end of a name, which tells functions apart.
fn short(name: &str) -> String {
    const MOST: usize = 30;
    let length = name.chars().count();
    if length <= MOST {
        return name.to_owned();
    }
    format!("…{}", name.chars().skip(length - MOST + 1).collect::<String>())
}
