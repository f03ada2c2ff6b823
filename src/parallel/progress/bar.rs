//! Progress as one line on a terminal, by indicatif.

use indicatif::{ProgressBar, ProgressStyle};

use super::{Progress, Totals};
use crate::screen::{self, Stream};

/// Characters of the bar.
const WIDTH: usize = 24;

/// One line that is written over as the batch goes on, and stays when it has ended.
///
/// It needs no ticks of its own: the batch reports at least twice a second while its caller waits.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        // The standard error, where a bar hides by itself if that is no terminal.
        let bar = ProgressBar::no_length().with_style(style("{spinner} {wide_msg}"));
        screen::show(&bar);
        Bar(bar)
    }
}

impl Progress for Bar {
    fn update(&self, totals: &Totals) {
        if totals.finished {
            // The bars of all batches are drawn as one block. What stays is a line as any other.
            screen::hide(&self.0);
            return screen::write(Stream::Error, last(totals).as_bytes());
        }
        self.0.set_message(totals.to_string());
        if let Some(total) = totals.total
            && self.0.length() != Some(total)
        {
            let template = format!("[{{bar:{WIDTH}}}] {{wide_msg}}");
            self.0.set_style(style(&template).progress_chars("=> "));
            self.0.set_length(total);
        }
        self.0.set_position(totals.done());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        screen::hide(&self.0);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}

fn last(totals: &Totals) -> String {
    let total = totals.total.unwrap_or(totals.drawn).max(1);
    let done = u128::from(totals.done()) * WIDTH as u128 / u128::from(total);
    let done = "=".repeat(usize::try_from(done).unwrap_or(WIDTH).min(WIDTH));
    format!("[{done:WIDTH$}] {totals}\n")
}
