//! Arrays on their own.

use std::thread;

use super::*;

fn table() -> Array<i32> {
    Array::new([2, 3], vec![1, 2, 3, 4, 5, 6]).unwrap()
}

#[test]
fn an_array_is_a_slice_with_a_shape() {
    let array = table();
    assert_eq!((array.shape(), &*array), (&[2, 3][..], &[1, 2, 3, 4, 5, 6][..]));
    assert_eq!(array.iter().sum::<i32>(), 21);
    assert_eq!((&array).into_iter().max(), Some(&6));
    assert_eq!(Array::from(vec![1.5, 2.5]).shape(), [2]);
    assert_eq!((0..4_u8).collect::<Array<_>>(), Array::from(vec![0, 1, 2, 3]));
}

#[test]
fn a_shape_must_have_as_many_elements_as_the_data() {
    assert_eq!(Array::new([], vec![7]).unwrap().shape(), [0; 0], "a single number");
    for shape in [&[0][..], &[0, 5], &[5, 0, usize::MAX, usize::MAX]] {
        assert_eq!(Array::<f64>::new(shape, vec![]).unwrap().len(), 0, "{shape:?}");
    }
    for shape in [&[][..], &[3], &[2, 2, 2], &[usize::MAX, 2], &[usize::MAX / 2 + 1, 2]] {
        let error = Array::new(shape, vec![1, 2]).unwrap_err().to_string();
        assert!(error.starts_with("cannot make an array: the data has 2 elements"), "{error}");
    }
    assert!(Array::new(vec![1; 65_536], vec![1]).is_err());
    assert!(Array::new(vec![1; 65_535], vec![1]).is_ok());
}

#[test]
fn clones_and_reshaped_arrays_share_the_data() {
    let array = table();
    let (clone, tall) = (array.clone(), array.reshape([3, 2]).unwrap());
    assert_eq!(clone, array);
    assert_ne!(tall, array, "another shape");
    assert_eq!(tall.as_ptr(), array.as_ptr());
    assert!(array.reshape([4]).is_err());
    assert_eq!(clone.into_vec(), [1, 2, 3, 4, 5, 6]);
    drop(tall);
    let place = array.as_ptr();
    let vector = array.into_vec();
    assert_eq!(vector.as_ptr(), place, "the last one gives its memory away");
}

#[test]
fn an_array_goes_to_other_threads() {
    let array = table();
    thread::scope(|scope| {
        let clone = array.clone();
        assert_eq!(scope.spawn(move || clone[5]).join().unwrap(), array[5]);
    });
}

#[test]
fn debug_shows_the_shape_and_the_first_elements() {
    assert_eq!(format!("{:?}", table()), "Array { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }");
    let long = format!("{:?}", Array::from(vec![0u8; 1_000_000]));
    assert!(long.ends_with(", 0, ..] }") && long.len() < 200, "{long}");
}

#[test]
fn serde_sees_shape_and_data_and_checks_that_they_fit() {
    let json = serde_json::to_string(&table()).unwrap();
    assert_eq!(json, r#"{"shape":[2,3],"data":[1,2,3,4,5,6]}"#);
    assert_eq!(serde_json::from_str::<Array<i32>>(&json).unwrap(), table());
    for bad in [r#"{"shape":[2,3],"data":[1]}"#, r#"{"shape":[1]}"#, r#"{"data":[1]}"#, "[[1]]", "7"] {
        assert!(serde_json::from_str::<Array<i32>>(bad).is_err(), "{bad}");
    }
    assert_eq!(serde_json::from_str::<Array<i32>>("[[1],[7]]").unwrap(), Array::from(vec![7]));
}

#[test]
fn the_digest_is_that_of_the_little_endian_bytes_and_shared() {
    let array = Array::new([1, 2], vec![1u16, 0x0203]).unwrap();
    let clone = array.reshape([2]).unwrap();
    assert_eq!(array.digest(), blake3::hash(&[1, 0, 3, 2]).as_bytes());
    assert_eq!(array.digest().as_ptr(), clone.digest().as_ptr());
}
