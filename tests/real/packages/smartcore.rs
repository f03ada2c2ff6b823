//@ smartcore = { version = "=0.4.10", default-features = false }

use smartcore::cluster::dbscan::{DBSCAN, DBSCANParameters};
use smartcore::cluster::kmeans::{KMeans, KMeansParameters};
use smartcore::decomposition::pca::{PCA, PCAParameters};
use smartcore::linalg::basic::arrays::{Array, Array2};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::cholesky::CholeskyDecomposable;
use smartcore::linalg::traits::qr::QRDecomposable;
use smartcore::linalg::traits::svd::SVDDecomposable;
use smartcore::linear::linear_regression::LinearRegression;
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};
use smartcore::metrics::{accuracy, mean_squared_error};
use smartcore::naive_bayes::gaussian::GaussianNB;
use smartcore::neighbors::knn_classifier::KNNClassifier;
use smartcore::tree::decision_tree_classifier::DecisionTreeClassifier;
use smartcore::tree::decision_tree_regressor::DecisionTreeRegressor;

fn rows(seed: u64) -> Vec<Vec<f64>> {
    let mut state = seed;
    (0..30).map(|n| (0..4).map(|_| real(&mut state, 0.0, 5.0) + f64::from(n % 3) * 6.0).collect()).collect()
}

fn matrix(seed: u64) -> DenseMatrix<f64> {
    DenseMatrix::from_2d_vec(&rows(seed)).unwrap()
}

fn classes() -> Vec<u32> {
    (0..30).map(|n| n % 3).collect()
}

fn targets(seed: u64) -> Vec<f64> {
    rows(seed).iter().map(|row| row[0] * 2.0 - row[1] + row[2] * row[3]).collect()
}

#[memo]
fn linear(seed: u64) -> Vec<f64> {
    let x = matrix(seed);
    LinearRegression::fit(&x, &targets(seed), Default::default()).unwrap().predict(&x).unwrap()
}

#[memo]
fn ridge(seed: u64) -> f64 {
    let (x, y) = (matrix(seed), targets(seed));
    let parameters = RidgeRegressionParameters::default().with_alpha(0.3);
    let model = RidgeRegression::fit(&x, &y, parameters).unwrap();
    mean_squared_error(&y, &model.predict(&x).unwrap())
}

#[memo]
fn tree(seed: u64) -> Vec<u32> {
    let x = matrix(seed);
    DecisionTreeClassifier::fit(&x, &classes(), Default::default())
        .unwrap()
        .predict(&matrix(seed + 1))
        .unwrap()
}

#[memo]
fn regression_tree(seed: u64) -> Vec<f64> {
    let x = matrix(seed);
    DecisionTreeRegressor::fit(&x, &targets(seed), Default::default())
        .unwrap()
        .predict(&matrix(seed + 1))
        .unwrap()
}

#[memo]
fn neighbors(seed: u64) -> f64 {
    let model = KNNClassifier::fit(&matrix(seed), &classes(), Default::default()).unwrap();
    accuracy(&classes(), &model.predict(&matrix(seed + 2)).unwrap())
}

#[memo]
fn bayes(seed: u64) -> Vec<u32> {
    GaussianNB::fit(&matrix(seed), &classes(), Default::default())
        .unwrap()
        .predict(&matrix(seed + 2))
        .unwrap()
}

#[memo]
fn components(seed: u64) -> Vec<f64> {
    let x = matrix(seed);
    let model = PCA::fit(&x, PCAParameters::default().with_n_components(2)).unwrap();
    model.transform(&x).unwrap().iterator(0).copied().collect()
}

#[memo]
fn clusters(seed: u64) -> Vec<u32> {
    let x = matrix(seed);
    let parameters = KMeansParameters { k: 3, max_iter: 50, seed: Some(seed) };
    let model: KMeans<f64, u32, _, Vec<u32>> = KMeans::fit(&x, parameters).unwrap();
    model.predict(&x).unwrap()
}

#[memo]
fn dense(seed: u64) -> Vec<i32> {
    let x = matrix(seed);
    let parameters = DBSCANParameters::default().with_eps(3.0).with_min_samples(3);
    let model: DBSCAN<f64, i32, _, Vec<i32>, _> = DBSCAN::fit(&x, parameters).unwrap();
    model.predict(&x).unwrap()
}

#[memo]
fn singular_values(seed: u64) -> Vec<f64> {
    matrix(seed).svd().unwrap().s
}

#[memo]
fn solved(seed: u64) -> Vec<f64> {
    let x = matrix(seed);
    let square = x.ab(true, &x, false);
    let right = DenseMatrix::from_2d_array(&[&[1.0], &[2.0], &[3.0], &[4.0]]).unwrap();
    let by_qr = square.clone().qr_solve_mut(right.clone()).unwrap();
    let by_cholesky = square.cholesky_solve_mut(right).unwrap();
    by_qr.iterator(0).chain(by_cholesky.iterator(0)).copied().collect()
}
