//@ chess = "=3.2.0"

use std::str::FromStr;

use chess::{
    ALL_SQUARES, Board, ChessMove, Color, EMPTY, Game, MoveGen, Piece, get_bishop_moves, get_king_moves,
    get_knight_moves, get_rook_moves,
};

const POSITIONS: [&str; 3] = [
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8",
];

fn position(seed: u64) -> Board {
    Board::from_str(POSITIONS[seed as usize % 3]).unwrap()
}

#[memo]
fn nodes(seed: u64) -> usize {
    MoveGen::movegen_perft_test(&position(seed), 2)
}

#[memo]
fn moves(seed: u64) -> Vec<String> {
    let mut moves: Vec<_> = MoveGen::new_legal(&position(seed)).map(|it| it.to_string()).collect();
    moves.sort();
    moves
}

#[memo]
fn captures(seed: u64) -> usize {
    let board = position(seed);
    let mut moves = MoveGen::new_legal(&board);
    moves.set_iterator_mask(*board.color_combined(!board.side_to_move()));
    moves.len()
}

#[memo]
fn game(seed: u64) -> String {
    let mut game = Game::new_with_board(position(seed));
    let mut state = seed;
    for _ in 0..30 {
        let moves: Vec<ChessMove> = MoveGen::new_legal(&game.current_position()).collect();
        if moves.is_empty() {
            break;
        }
        game.make_move(moves[next(&mut state) as usize % moves.len()]);
    }
    format!("{} {:?} {}", game.current_position(), game.result(), game.can_declare_draw())
}

#[memo]
fn hash(seed: u64) -> u64 {
    position(seed).get_hash() ^ position(seed).get_pawn_hash()
}

#[memo]
fn sliding(seed: u64) -> u64 {
    let blockers = *position(seed).combined();
    let moves = ALL_SQUARES
        .iter()
        .map(|square| get_rook_moves(*square, blockers) ^ get_bishop_moves(*square, blockers));
    moves.fold(0, |sum, board| sum.wrapping_mul(3) ^ board.0)
}

#[memo]
fn jumping(seed: u64) -> u64 {
    let moves = ALL_SQUARES.iter().skip(seed as usize).map(|it| get_knight_moves(*it) ^ get_king_moves(*it));
    moves.fold(0, |sum, board| sum.wrapping_mul(3) ^ board.0)
}

#[memo]
fn read_and_written(seed: u64) -> String {
    position(seed).to_string()
}

#[memo]
fn material(seed: u64) -> Vec<u32> {
    let board = position(seed);
    let count = |piece: Piece| (board.pieces(piece) & board.color_combined(Color::White)).popcnt();
    [Piece::Pawn, Piece::Knight, Piece::Bishop, Piece::Rook, Piece::Queen].map(count).to_vec()
}

#[memo]
fn named(seed: u64) -> String {
    let board = position(seed);
    let names = ["e2", "Kd1", "a3", "Rb2", "Qxf6", "O-O", "dxe6"];
    let found = names.iter().map(|name| ChessMove::from_san(&board, name).map(|it| it.to_string()).ok());
    format!("{:?} {:?} {}", found.collect::<Vec<_>>(), board.status(), board.checkers() == &EMPTY)
}
