//! Progress as one line on a terminal, by indicatif.

use indicatif::{ProgressBar, ProgressStyle};

use super::{Progress, Totals};

/// One line that is written over as the batch goes on, and stays when it has ended.
///
/// It needs no ticks of its own: the batch reports at least twice a second while its caller waits.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        // The standard error, where a bar hides by itself if that is no terminal.
        Bar(ProgressBar::no_length().with_style(style("{spinner} {wide_msg}")))
    }
}

impl Progress for Bar {
    fn update(&self, totals: &Totals) {
        self.0.set_message(totals.to_string());
        if let Some(total) = totals.total
            && self.0.length() != Some(total)
        {
            self.0.set_style(style("[{bar:24}] {wide_msg}").progress_chars("=> "));
            self.0.set_length(total);
        }
        self.0.set_position(totals.done());
        if totals.finished {
            self.0.abandon();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}
