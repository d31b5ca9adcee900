//! How many sockets there may be: in all, of one user, of one address.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use chat_core::UserId;

use crate::{limits::ServerLimits, metrics::Refusal};

/// Counts sockets. The maps hold who has a socket now, and nobody else.
#[derive(Debug)]
pub(crate) struct Slots {
    open: AtomicUsize,
    users: Counts<UserId>,
    addresses: Counts<IpAddr>,
    total: usize,
}

/// The place of one socket; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    address: Option<IpAddr>,
    user: Option<UserId>,
}

/// How many each has.
#[derive(Debug)]
pub(crate) struct Counts<K> {
    counts: Mutex<HashMap<K, usize>>,
    limit: usize,
}

impl Slots {
    pub(crate) fn new(limits: &ServerLimits) -> Arc<Self> {
        let counts = |limit: Option<usize>| limit.unwrap_or(usize::MAX);
        Arc::new(Self {
            open: AtomicUsize::new(0),
            users: Counts::new(limits.sockets_per_user),
            addresses: Counts::new(counts(limits.sockets_per_address)),
            total: counts(limits.sockets_total),
        })
    }

    /// How many there are.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Takes a place for a socket from `address`.
    ///
    /// # Errors
    /// Which limit is reached.
    pub(crate) fn claim(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Slot, Refusal> {
        let mut slot = Slot { slots: Arc::clone(self), address: None, user: None };
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.total {
            return Err(Refusal::Full);
        }
        // Nothing to count where nothing is limited.
        if let Some(address) = address.filter(|_| self.addresses.limit != usize::MAX).map(network) {
            if !self.addresses.add(&address) {
                return Err(Refusal::Address);
            }
            slot.address = Some(address);
        }
        Ok(slot)
    }
}

impl Slot {
    /// Whether it is known whose socket it is.
    pub(crate) const fn has_user(&self) -> bool {
        self.user.is_some()
    }

    /// Counts the socket as this user's; `false` if they have too many.
    pub(crate) fn claim_user(&mut self, user: &UserId) -> bool {
        if self.user.is_none() {
            if !self.slots.users.add(user) {
                return false;
            }
            self.user = Some(user.clone());
        }
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = &self.address {
            self.slots.addresses.remove(address);
        }
        if let Some(user) = &self.user {
            self.slots.users.remove(user);
        }
    }
}

/// What counts as one address: of IPv6, the 64 bits of the network, as one customer has all addresses of such a one.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl<K: Clone + Eq + Hash> Counts<K> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { counts: Mutex::default(), limit }
    }

    /// One more; `false` if that would be too many.
    pub(crate) fn add(&self, key: &K) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key.clone()).or_default();
        if *count >= self.limit {
            return false;
        }
        *count += 1;
        true
    }

    pub(crate) fn remove(&self, key: &K) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_holds_and_a_dropped_slot_is_free_again() {
        let limits = ServerLimits {
            sockets_per_user: 1,
            sockets_total: Some(3),
            sockets_per_address: Some(2),
            ..ServerLimits::default()
        };
        let slots = Slots::new(&limits);
        let (here, there) = (Some("10.0.0.1".parse().unwrap()), Some("10.0.0.2".parse().unwrap()));
        let (ann, ben) = (UserId::new("ann").unwrap(), UserId::new("ben").unwrap());
        let mut first = slots.claim(here).unwrap();
        let mut second = slots.claim(here).unwrap();
        assert_eq!(slots.claim(here).unwrap_err(), Refusal::Address);
        assert!(first.claim_user(&ann) && first.claim_user(&ann));
        assert!(!second.claim_user(&ann));
        assert!(second.claim_user(&ben));
        let third = slots.claim(there).unwrap();
        assert_eq!(slots.claim(there).unwrap_err(), Refusal::Full);
        drop(first);
        let mut fourth = slots.claim(here).unwrap();
        assert!(fourth.claim_user(&ann));
        assert_eq!(slots.open(), 3);
        drop((second, third, fourth));
        assert_eq!(slots.open(), 0);
        assert!(slots.users.counts.lock().unwrap().is_empty() && slots.addresses.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let network = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(network("10.0.0.1"), "10.0.0.1");
    }
}
