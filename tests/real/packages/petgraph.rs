//@ petgraph = "=0.7.1"

use petgraph::algo;
use petgraph::dot::Dot;
use petgraph::graph::{DiGraph, NodeIndex, UnGraph};
use petgraph::graphmap::UnGraphMap;
use petgraph::stable_graph::StableGraph;
use petgraph::unionfind::UnionFind;
use petgraph::visit::{Bfs, Dfs, EdgeRef};

fn edges(seed: u64, nodes: u64, count: usize) -> Vec<(u32, u32, u64)> {
    let mut state = seed;
    (0..count)
        .map(|_| (next(&mut state) % nodes, next(&mut state) % nodes, 1 + next(&mut state) % 50))
        .map(|(a, b, weight)| (a as u32, b as u32, weight))
        .collect()
}

fn directed(seed: u64) -> DiGraph<(), u64> {
    DiGraph::from_edges(edges(seed, 30, 90))
}

#[memo]
fn shortest(seed: u64) -> Vec<(usize, u64)> {
    let graph = directed(seed);
    let found = algo::dijkstra(&graph, NodeIndex::new(0), None, |edge| *edge.weight());
    let mut found: Vec<_> = found.into_iter().map(|(node, cost)| (node.index(), cost)).collect();
    found.sort();
    found
}

#[memo]
fn starred(seed: u64) -> String {
    let graph = directed(seed);
    let goal = NodeIndex::new(17);
    format!("{:?}", algo::astar(&graph, NodeIndex::new(1), |node| node == goal, |edge| *edge.weight(), |_| 0))
}

#[memo]
fn bellman(seed: u64) -> String {
    let graph = directed(seed).map(|_, ()| (), |_, weight| *weight as f64);
    format!("{:?}", algo::bellman_ford(&graph, NodeIndex::new(0)))
}

#[memo]
fn components(seed: u64) -> Vec<Vec<usize>> {
    let found = algo::tarjan_scc(&directed(seed));
    found.iter().map(|part| part.iter().map(|node| node.index()).collect()).collect()
}

#[memo]
fn sorted(seed: u64) -> Vec<usize> {
    let acyclic = edges(seed, 30, 60).into_iter().filter(|(a, b, _)| a < b);
    let graph = DiGraph::<(), u64>::from_edges(acyclic);
    algo::toposort(&graph, None).unwrap().iter().map(|node| node.index()).collect()
}

#[memo]
fn spanning(seed: u64) -> u64 {
    let graph = UnGraph::<(), u64>::from_edges(edges(seed, 25, 70));
    let tree: UnGraph<(), u64> = petgraph::data::FromElements::from_elements(algo::min_spanning_tree(&graph));
    tree.edge_references().map(|edge| *edge.weight()).sum()
}

#[memo]
fn walked(seed: u64) -> Vec<usize> {
    let graph = directed(seed);
    let (mut wide, mut deep) = (Bfs::new(&graph, NodeIndex::new(2)), Dfs::new(&graph, NodeIndex::new(3)));
    let mut order = Vec::new();
    while let Some(node) = wide.next(&graph) {
        order.push(node.index());
    }
    while let Some(node) = deep.next(&graph) {
        order.push(node.index());
    }
    order
}

#[memo]
fn drawn(seed: u64) -> String {
    let graph = DiGraph::<u32, u64>::from_edges(edges(seed, 6, 9));
    format!("{}", Dot::new(&graph))
}

#[memo]
fn removed(seed: u64) -> (usize, usize) {
    let mut graph = StableGraph::<(), u64>::from_edges(edges(seed, 30, 90));
    for node in (0..30).step_by(3) {
        graph.remove_node(NodeIndex::new(node));
    }
    (graph.node_count(), graph.edge_count())
}

#[memo]
fn mapped(seed: u64) -> u64 {
    let graph: UnGraphMap<u32, u64> = edges(seed, 20, 40).into_iter().collect();
    graph.nodes().flat_map(|node| graph.edges(node)).map(|(a, b, weight)| u64::from(a * b) + weight).sum()
}

#[memo]
fn joined(seed: u64) -> Vec<u32> {
    let mut sets = UnionFind::new(30);
    for (a, b, _) in edges(seed, 30, 25) {
        sets.union(a, b);
    }
    sets.into_labeling()
}

#[memo]
fn matched(seed: u64) -> usize {
    let graph = UnGraph::<(), u64>::from_edges(edges(seed, 20, 40));
    algo::maximum_matching(&graph).edges().count() + algo::connected_components(&graph)
}
