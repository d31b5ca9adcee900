//! Places: a room's number and a `seq` or `rev` of it in one integer, by which rows lie in order.

use crate::failure::{Failure, Outcome};

/// How many rooms there can ever be, and how many changes of one.
const LIMIT: u64 = 1 << 31;

/// The place of a message or a change. Numbers past the last one that can be stored stand for that one.
pub(crate) fn place(room: i64, number: u64) -> i64 {
    room << 32 | number.min(u64::from(u32::MAX)).cast_signed()
}

/// The `seq` or `rev` of a place.
pub(crate) fn number_at(place: i64) -> u64 {
    (place & i64::from(u32::MAX)).cast_unsigned()
}

/// The room of a place.
pub(crate) fn room_at(place: i64) -> i64 {
    place >> 32
}

/// Lets a room's number, or a rev, pass if a place can hold it.
pub(crate) fn fits(number: u64, what: &'static str) -> Outcome<()> {
    if number < LIMIT { Ok(()) } else { Err(Failure::Exhausted(what)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_by_room_and_number_and_lead_back() {
        let places = [place(1, 0), place(1, 1), place(1, u64::MAX), place(2, 0), place(i64::from(i32::MAX), u64::MAX)];
        assert!(places.is_sorted());
        assert_eq!((room_at(places[4]), number_at(places[4])), (i64::from(i32::MAX), u64::from(u32::MAX)));
        assert!(fits(LIMIT - 1, "rooms").is_ok() && fits(LIMIT, "rooms").is_err());
    }
}
