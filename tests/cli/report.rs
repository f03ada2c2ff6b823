//! The report: one page, nothing fetched, everything that a person looks for.

use std::fs;
use std::process::Command;

use rememo::Layout;

use crate::support::{Cache, later, layouts, price};

/// The page for a directory.
fn page(cache: &Cache) -> String {
    let file = cache.root().with_file_name("report.html");
    let ran = cache.rememo(&["report", "-o", file.to_str().unwrap()]).right();
    assert!(ran.lines()[0].ends_with("report.html`"), "{}", ran.out);
    fs::read_to_string(file).unwrap()
}

/// What stands between the first two of these.
#[track_caller]
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end} in {rest}")).0
}

#[test]
fn a_page_shows_functions_runs_and_changes_and_fetches_nothing() {
    for layout in layouts() {
        let cache = Cache::filled(layout);
        std::thread::sleep(std::time::Duration::from_millis(20));
        cache.memory.call(later::price::delayed(3, 1));
        cache.memory.call(price::delayed(3, 1));
        // What this process has counted is written within a second.
        std::thread::sleep(std::time::Duration::from_millis(2500));
        let page = page(&cache);
        for fetched in ["src=", "href=", "url(", "@import", "<link", "fetch("] {
            assert!(!page.contains(fetched), "{fetched}");
        }
        assert!(page.contains("color-scheme: light dark"));
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(
            !page.contains("{body}") && !page.contains("{title}") && page.trim_end().ends_with("</html>")
        );
        assert!(page.contains(&format!("<h1>{}</h1>", cache.root().display())));
        assert!(page.contains("<li><b>7</b> entries</li>"));
        let functions = between(&page, "<h2>Functions</h2>", "<h2>Runs</h2>");
        for name in ["shop::price", "shop::label", "shop::table"] {
            assert!(functions.contains(&format!("<td data-value=\"{name}\">{name}</td>")), "{functions}");
            assert!(between(functions, "<svg", "</svg>").contains(name), "a bar is named");
        }
        let svg = between(functions, "<svg", "</svg>");
        assert!(svg.contains("currentColor") && svg.contains("viewBox") && !svg.contains("#010203"));
        // Two bars for each function.
        assert!(svg.matches("#2E9E5B").count() == 3 && svg.matches("#D9822B").count() == 3, "{svg}");
        let runs = between(&page, "<h2>Runs</h2>", "<h2>Changes of code</h2>");
        assert!(
            runs.contains("<td data-value=\"running\">running</td><td data-value=\"1\">1</td>"),
            "{runs}"
        );
        assert!(between(&page, "<h2>Changes of code</h2>", "<script>").contains("<li>price differs</li>"));
    }
}

#[test]
fn names_are_text_and_never_a_part_of_the_page() {
    let cache = Cache::new(Layout::Auto);
    cache.memory.get_or_compute("<script>alert(1)</script>\"'&", &1, || 1);
    let page = page(&cache);
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
}

#[test]
fn an_empty_directory_has_a_page_and_a_missing_place_is_told() {
    let cache = Cache::new(Layout::Auto);
    assert!(page(&cache).contains("Nothing is kept in it yet."));
    let missing = cache.root().with_file_name("missing").join("report.html");
    let ran = cache.rememo(&["report", "-o", missing.to_str().unwrap()]).wrong();
    assert!(ran.err.starts_with("rememo: cannot write `") && ran.err.contains("No such file"), "{}", ran.err);
}

/// A browser that has no window, if there is one.
fn browser() -> Option<Command> {
    let is_there =
        |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|ran| ran.status.success());
    let name = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(is_there);
    if name.is_none() {
        eprintln!("skipped: there is no Chromium");
    }
    let mut command = Command::new(name?);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]);
    Some(command)
}

/// The page in a frame of this width; the title says what a person sees there.
fn framed(page: &str, width: u32) -> String {
    let inside = page.replace('&', "&amp;").replace('"', "&quot;");
    format!(
        r#"<!doctype html><title></title>
<iframe id="frame" style="width: {width}px; height: 900px; border: 0" srcdoc="{inside}"></iframe>
<script>
frame.onload = () => {{
  const page = frame.contentDocument;
  const first = () => page.querySelector("tbody").rows[0].cells[0].textContent;
  const seen = [page.documentElement.scrollWidth, page.querySelectorAll("svg").length];
  for (let click = 0; click < 2; click++) {{
    page.querySelector("th").click();
    seen.push(first());
  }}
  document.title = seen.join(" ");
}};
</script>"#
    )
}

#[test]
fn a_browser_shows_it_whole_at_any_width_and_sorts_its_tables() {
    let Some(_) = browser() else { return };
    let cache = Cache::filled(Layout::Auto);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let page = page(&cache);
    for width in [1280, 400] {
        let file = cache.root().with_file_name("framed.html");
        fs::write(&file, framed(&page, width)).unwrap();
        let shown = browser().unwrap().arg(format!("file://{}", file.display())).output().unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let seen: Vec<u32> =
            between(&shown, "<title>", "</title>").split(' ').map(|seen| seen.parse().unwrap()).collect();
        assert!(seen[0] <= width, "{} pixels in {width}", seen[0]);
        // The most entries first, then the fewest.
        assert_eq!(seen[1..], [2, 3, 1]);
    }
}
