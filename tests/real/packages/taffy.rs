//@ taffy = "=0.15.1"

use taffy::prelude::*;
use taffy::{LayoutInput, LayoutOutput};

fn boxes(tree: &TaffyTree<()>, nodes: &[NodeId]) -> Vec<f32> {
    let layouts = nodes.iter().map(|node| tree.layout(*node).unwrap());
    layouts.flat_map(|it| [it.location.x, it.location.y, it.size.width, it.size.height]).collect()
}

/// The places of children with these styles in a parent with that style.
fn laid_out(parent: Style, children: Vec<Style>) -> Vec<f32> {
    let mut tree: TaffyTree<()> = TaffyTree::new();
    let mut nodes: Vec<NodeId> = children.into_iter().map(|style| tree.new_leaf(style).unwrap()).collect();
    let root = tree.new_with_children(parent, &nodes).unwrap();
    tree.compute_layout(root, Size { width: length(400.0), height: length(300.0) }).unwrap();
    nodes.push(root);
    boxes(&tree, &nodes)
}

fn sized(width: f32, height: f32) -> Style {
    Style { size: Size { width: length(width), height: length(height) }, ..Default::default() }
}

fn some_sizes(seed: u64) -> Vec<Style> {
    let mut state = seed;
    (0..6).map(|_| sized(real(&mut state, 10.0, 200.0) as f32, real(&mut state, 10.0, 90.0) as f32)).collect()
}

#[memo]
fn row(seed: u64) -> Vec<f32> {
    let children = some_sizes(seed).into_iter().map(|style| Style { flex_grow: 1.0, ..style }).collect();
    laid_out(Style { gap: length(7.0), ..sized(350.0, 100.0) }, children)
}

#[memo]
fn wrapped(seed: u64) -> Vec<f32> {
    let parent = Style {
        flex_wrap: FlexWrap::Wrap,
        justify_content: JustifyContent::SPACE_AROUND,
        ..sized(300.0, 280.0)
    };
    laid_out(parent, some_sizes(seed))
}

#[memo]
fn column(seed: u64) -> Vec<f32> {
    let parent = Style {
        flex_direction: FlexDirection::Column,
        align_items: AlignItems::CENTER,
        ..sized(300.0, 280.0)
    };
    laid_out(parent, some_sizes(seed))
}

#[memo]
fn grid(seed: u64) -> Vec<f32> {
    let parent = Style {
        display: Display::Grid,
        grid_template_columns: vec![length(60.0 + seed as f32), fr(1.0), fr(2.0)],
        grid_template_rows: vec![auto(), percent(0.4)],
        ..sized(380.0, 290.0)
    };
    laid_out(parent, some_sizes(seed))
}

#[memo]
fn spanning(seed: u64) -> Vec<f32> {
    let parent =
        Style { display: Display::Grid, grid_template_columns: vec![fr(1.0); 4], ..sized(380.0, 290.0) };
    let children =
        (0..5).map(|n| Style { grid_column: span(1 + (n + seed as u16) % 3), ..Default::default() });
    laid_out(parent, children.collect())
}

#[memo]
fn blocks(seed: u64) -> Vec<f32> {
    let margin = Rect { left: length(3.0), right: auto(), top: length(5.0), bottom: length(9.0) };
    let children = some_sizes(seed).into_iter().map(|style| Style { margin, ..style }).collect();
    laid_out(Style { display: Display::Block, ..sized(300.0, 280.0) }, children)
}

#[memo]
fn nested(seed: u64) -> Vec<f32> {
    let mut tree: TaffyTree<()> = TaffyTree::new();
    let mut nodes = vec![tree.new_leaf(sized(20.0 + seed as f32, 10.0)).unwrap()];
    for n in 0..5 {
        let style = Style { padding: length(n as f32), border: length(1.0), ..Default::default() };
        nodes.push(tree.new_with_children(style, &[nodes[n]]).unwrap());
    }
    tree.compute_layout(nodes[5], Size::MAX_CONTENT).unwrap();
    boxes(&tree, &nodes)
}

#[memo]
fn measured(seed: u64) -> Vec<f32> {
    let mut tree: TaffyTree<f32> = TaffyTree::new();
    let leaf = tree.new_leaf_with_context(Style::default(), 300.0 + seed as f32).unwrap();
    let root = tree.new_with_children(sized(120.0, 200.0), &[leaf]).unwrap();
    let measure = |input: LayoutInput, _: NodeId, length: Option<&mut f32>, _: &Style| {
        let length = length.map_or(0.0, |it| *it);
        let width = input.known_dimensions.width.unwrap_or(100.0);
        LayoutOutput::from_outer_size(Size { width, height: (length / width).ceil() * 10.0 })
    };
    tree.compute_layout_with_measure(root, Size::MAX_CONTENT, measure).unwrap();
    let layout = tree.layout(leaf).unwrap();
    vec![layout.size.width, layout.size.height]
}

#[memo]
fn absolute(seed: u64) -> Vec<f32> {
    let inset = Rect { left: length(seed as f32), right: auto(), top: auto(), bottom: percent(0.1) };
    let child = Style { position: Position::Absolute, inset, aspect_ratio: Some(1.5), ..sized(60.0, 40.0) };
    laid_out(sized(300.0, 200.0), vec![child, sized(30.0, 30.0)])
}

#[memo]
fn hidden(seed: u64) -> Vec<f32> {
    let children = some_sizes(seed).into_iter().enumerate();
    let children =
        children.map(|(n, style)| if n % 2 == 0 { Style { display: Display::None, ..style } } else { style });
    laid_out(sized(300.0, 280.0), children.collect())
}
